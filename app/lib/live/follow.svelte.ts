import { invalidate } from '$app/navigation';
import type { Rows } from './rows.svelte.ts';

/** What a `load` depends on when its rows change by themselves. */
export const LIVE = 'app:live';

const SETTLE_MS = 150;
const AT_MOST_EVERY_MS = 1500;
let timer: ReturnType<typeof setTimeout> | undefined;
let latest = 0;

/** Loads the page's rows anew: soon, and not more often than its interval however much happens. */
export function refresh(): void {
	if (timer !== undefined) return;
	const wait = Math.max(SETTLE_MS, latest + AT_MOST_EVERY_MS - Date.now());
	timer = setTimeout(() => {
		timer = undefined;
		latest = Date.now();
		void invalidate(LIVE);
	}, wait);
}

/**
 * The rows of a `load`, kept up to date: a known row changes in place at once, an unknown one makes the page load anew.
 * To be called while a component is set up.
 */
export function followed<T extends { id: number; version: number }, R extends { id: number; version: number }>(
	changes: Rows<T>,
	rows: () => readonly R[],
) {
	$effect(() =>
		changes.on((id) => {
			if (!rows().some((row) => row.id === id)) refresh();
		}),
	);
	const merged = $derived(changes.merge(rows()));
	return {
		get rows() {
			return merged;
		},
	};
}
