/** Lines that are folded away, the first to the last. What is said of them stands in the row of the line before. */
export interface Fold {
	from: number;
	to: number;
}

/** Folds in their order, none inside another, each with a line before it to stand in. */
export const orderly = (folds: readonly Fold[]): Fold[] => {
	const kept: Fold[] = [];
	for (const fold of [...folds].sort((a, b) => a.from - b.from)) {
		const last = kept.at(-1);
		if (fold.from > 1 && fold.to >= fold.from && (!last || fold.from > last.to + 1)) kept.push(fold);
	}
	return kept;
};

const size = ({ from, to }: Fold) => to - from + 1;

/** How many rows `total` lines take. */
export const rowsOf = (folds: readonly Fold[], total: number): number =>
	folds.reduce((rows, fold) => rows - Math.max(0, Math.min(size(fold), total - fold.from + 1)), total);

/** The line in row `row`, from 0. */
export function lineAtRow(folds: readonly Fold[], row: number): number {
	let line = row + 1;
	for (const fold of folds) {
		if (fold.from > line) break;
		line += size(fold);
	}
	return line;
}

/** The row a line is in; one that is folded away is in the row of the line before its fold. */
export function rowOfLine(folds: readonly Fold[], line: number): number {
	let hidden = 0;
	for (const { from, to } of folds) {
		if (from > line) break;
		if (to >= line) return from - 2 - hidden;
		hidden += to - from + 1;
	}
	return line - 1 - hidden;
}
