/** What a spreadsheet would take for a formula, also behind spaces. */
const formula = /^\s*[=+\-@]|^[\t\r]/;

/** One cell (RFC 4180). What would be a formula is text: with an apostrophe before it, which spreadsheets do not show. */
export function csvCell(value: string | number | null): string {
	if (value === null) return '';
	// A number is told by this program, not by people.
	if (typeof value === 'number') return String(value);
	const text = formula.test(value) ? `'${value}` : value;
	return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csvLine = (cells: readonly (string | number | null)[]): string => `${cells.map(csvCell).join(',')}\r\n`;
