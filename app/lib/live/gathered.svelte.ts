import type { Rows } from './rows.svelte.ts';

/**
 * The rows of a `load` and those that came since, kept up to date; `mine` says which of the new ones belong to them. Nothing is
 * loaded anew: what comes is shown as it comes. To be called while a component is set up.
 */
export function gathered<T extends { id: number; version: number }>(
	changes: Rows<T>,
	rows: () => readonly T[],
	mine: (row: T) => boolean,
) {
	let come = $state.raw<T[]>([]);
	$effect(() =>
		changes.on((id, row) => {
			if (row && mine(row) && !come.some((known) => known.id === id)) come = [...come, row];
		}),
	);
	$effect(() => changes.hold((id, row) => (row !== null && mine(row)) || rows().some((known) => known.id === id)));
	const all = $derived.by(() => {
		const loaded = rows();
		return changes.merge([...loaded, ...come.filter((row) => mine(row) && !loaded.some(({ id }) => id === row.id))]);
	});
	return {
		get rows() {
			return all;
		},
	};
}
