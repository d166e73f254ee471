import type { Rows } from './rows.svelte.ts';

/** The rows of a `load`, of which those that changed are shown at once. To be called while a component is set up. */
export function followed<T extends { id: number; version: number }, R extends { id: number; version: number }>(
	changes: Rows<T>,
	rows: () => readonly R[],
) {
	$effect(() => changes.hold((id) => rows().some((row) => row.id === id)));
	const merged = $derived(changes.merge(rows()));
	return {
		get rows() {
			return merged;
		},
	};
}
