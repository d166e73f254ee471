import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Fold, lineAtRow, orderly, rowOfLine, rowsOf } from '#lib/run/log/folds.ts';

const total = 60;
const folds = fc
	.array(fc.tuple(fc.integer({ min: 1, max: total }), fc.integer({ min: 1, max: 20 })), { maxLength: 6 })
	.map((pairs) => pairs.map(([from, size]): Fold => ({ from, to: from + size - 1 })));

describe('folds', () => {
	it('show every line that is not folded away, once and in order', () => {
		fc.assert(
			fc.property(folds, (wanted) => {
				const all = orderly(wanted);
				const shown = Array.from({ length: total }, (_, i) => i + 1).filter(
					(line) => !all.some(({ from, to }) => line >= from && line <= to),
				);
				expect(rowsOf(all, total)).toBe(shown.length);
				expect(shown.map((_, row) => lineAtRow(all, row))).toEqual(shown);
				expect(shown.map((line) => rowOfLine(all, line))).toEqual(shown.map((_, row) => row));
				for (const { from, to } of all)
					for (let line = from; line <= Math.min(to, total); line++)
						expect(rowOfLine(all, line)).toBe(rowOfLine(all, from - 1));
			}),
		);
	});

	it('keep only those that can be shown: in order, apart, and with a line before them', () => {
		expect(
			orderly([
				{ from: 8, to: 9 },
				{ from: 3, to: 6 },
				{ from: 4, to: 5 },
				{ from: 7, to: 7 },
				{ from: 1, to: 1 },
				{ from: 12, to: 11 },
			]),
		).toEqual([
			{ from: 3, to: 6 },
			{ from: 8, to: 9 },
		]);
	});
});
