import stringWidth from 'string-width';
import { plainText } from '#domain/terminal.ts';
import type { Style, Tone } from './output.ts';

export interface Column<Row> {
	head: string;
	cell: (row: Row) => string | number | null;
	tone?: (row: Row) => Tone | null;
	/** Numbers stand under each other by their last digit. */
	right?: true;
	/** May be cut where the terminal is too narrow for all of it. */
	fit?: true;
}

const GAP = '  ';
const FIT_MIN = 12;

const oneLine = (value: string | number | null): string =>
	plainText(String(value ?? ''))
		.replace(/\s+/gu, ' ')
		.trim();

/** Rows under each other in aligned columns. What is in them came from others: none of it acts on the terminal. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: Style): string {
	if (rows.length === 0) return 'None.';
	const cells = rows.map((row) => columns.map(({ cell }) => oneLine(cell(row))));
	const widths = columns.map(({ head }, at) =>
		Math.max(stringWidth(head), ...cells.map((line) => stringWidth(line[at] ?? ''))),
	);
	squeeze(columns, widths, style.width);
	const pad = (text: string, at: number): string => {
		const width = widths[at] ?? 0;
		const cut = stringWidth(text) > width ? cutTo(text, width) : text;
		const space = ' '.repeat(width - stringWidth(cut));
		if (columns[at]?.right) return space + cut;
		return at === columns.length - 1 ? cut : cut + space;
	};
	const head = columns.map(({ head }, at) => pad(head, at)).join(GAP);
	const body = rows.map((row, n) =>
		columns
			.map((column, at) => style.paint(column.tone?.(row) ?? null, pad(cells[n]?.[at] ?? '', at)))
			.join(GAP)
			.trimEnd(),
	);
	return [style.paint('dim', head.trimEnd()), ...body].join('\n');
}

function squeeze<Row>(columns: readonly Column<Row>[], widths: number[], room: number | null): void {
	const at = columns.findIndex(({ fit }) => fit);
	if (room === null || at === -1) return;
	const all = widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
	const width = widths[at] ?? 0;
	if (all > room) widths[at] = Math.min(width, Math.max(FIT_MIN, width - (all - room)));
}

function cutTo(text: string, width: number): string {
	let cut = '';
	let used = 0;
	for (const { segment } of new Intl.Segmenter().segment(text)) {
		used += stringWidth(segment);
		if (used > width - 1) break;
		cut += segment;
	}
	return `${cut}…`;
}

/** What there is to say of one thing, a line each; what it does not have is left out. */
export function details(
	facts: readonly (readonly [label: string, value: string | number | null, tone?: Tone | null])[],
	style: Style,
): string {
	const known = facts.filter(([, value]) => value !== null && value !== '');
	const width = Math.max(...known.map(([label]) => stringWidth(label)));
	return known
		.map(([label, value, tone = null]) => {
			const lines = plainText(String(value)).trimEnd().split('\n');
			const indent = ' '.repeat(width + GAP.length);
			return (
				style.paint('dim', label.padEnd(width)) + GAP + lines.map((line) => style.paint(tone, line)).join(`\n${indent}`)
			);
		})
		.join('\n');
}
