import { invalidate } from '$app/navigation';
import type { Rows } from './rows.svelte.ts';
import { soon } from './soon.ts';

/** What a `load` depends on when its rows change by themselves. */
export const LIVE = 'app:live';

const refreshes: Record<string, () => void> = {};

/** Loads anew, soon, what depends on that. */
export function refresh(on: string = LIVE): void {
	refreshes[on] ??= soon(() => void invalidate(on));
	refreshes[on]();
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
