import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvCell, csvLine } from '#domain/csv.ts';

/** The cells of one line, as RFC 4180 reads them. */
function cellsOf(line: string): string[] {
	const cells: string[] = [];
	let rest = line.replace(/\r\n$/, '');
	for (;;) {
		const [whole = '', quoted, plain] = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?=,|$)/.exec(rest) ?? [];
		cells.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
		if (rest.length <= whole.length) return cells;
		rest = rest.slice(whole.length + 1);
	}
}

describe('a line of CSV', () => {
	it('22: holds no formula, whatever is in it', () => {
		for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '  =HYPERLINK("http://evil")', '\n=1'])
			expect(cellsOf(csvLine([text]))[0]?.startsWith("'"), text).toBe(true);
		fc.assert(
			fc.property(
				fc.string({ unit: fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', ' ', 'a', '"', ',') }),
				(text) => {
					const [cell = ''] = cellsOf(csvLine([text]));
					expect(cell).not.toMatch(/^\s*[=+\-@]|^[\t\r]/);
				},
			),
		);
	});

	it('is read as what was written, cell by cell', () => {
		fc.assert(
			fc.property(fc.array(fc.string(), { minLength: 1 }), (texts) => {
				expect(cellsOf(csvLine(texts)).map((text, n) => (texts[n] === text ? text : text.replace(/^'/, '')))).toEqual(
					texts,
				);
			}),
		);
		expect(csvLine([1, null, 'a,b', 'x"y', ' z'])).toBe('1,,"a,b","x""y"," z"\r\n');
		expect(csvCell(-1)).toBe('-1');
	});
});
