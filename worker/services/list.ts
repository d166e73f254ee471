import { and, asc, desc, sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';
import { z } from 'zod';
import { invalid } from '#domain/errors.ts';

import { emptyFirst, FIRST, rankAmong } from '../db/order.ts';
import { literal } from '../db/planned.ts';
import type { TextOf } from '../db/row-text.ts';
import { fromBase64url, toBase64url } from './bytes.ts';

type Sort<N extends string> = N | `-${N}`;

/** `?sort=` over a whitelist: a name, or `-name` for the other direction. */
export const sortBy = <const N extends string>(names: readonly N[], standard: Sort<NoInfer<N>>) =>
	z.literal(names.flatMap((name): Sort<N>[] => [name, `-${name}`])).prefault(standard);

/** Rows whose column holds this text, upper and lower ASCII alike. Not LIKE: its patterns are short and full of meaning. */
export const holds = (column: SQLWrapper, text: string | undefined): SQL | undefined =>
	text === undefined ? undefined : sql`instr(lower(${column}), ${text.toLowerCase()}) > 0`;

const After = z.union([z.string(), z.number()]);
const Cursor = z.strictObject({ sort: z.string(), after: After, id: z.int() });

export interface Page<Row> {
	items: Row[];
	next_cursor: string | null;
}

type Keyed<N extends string> = { id: number } & Record<N, string | number | null>;

/** What a list is ordered by: a column that is never null, or an expression, and what that is of a row's value. */
type Order = AnySQLiteColumn | { by: SQL; of: (value: unknown) => unknown };

/** By a column that may be empty: what is empty comes first. */
export const orEmpty = (column: AnySQLiteColumn): Order => ({
	by: emptyFirst(column),
	of: (value) => (value === null ? FIRST : column.mapToDriverValue(value)),
});

/** By a column's word, in the order of these. */
export const ranked = (column: AnySQLiteColumn, words: readonly string[]): Order => ({
	by: rankAmong(column, words),
	of: (value) => words.findIndex((word) => word === value),
});

/**
 * A page by keyset: `where` starts after the cursor, `limit` is one more than is shown, `page` makes the answer of the rows.
 * The id makes the order total. A cursor of another order is refused.
 */
export function keyset<N extends string>(
	query: { limit: number; cursor?: string | undefined; sort: Sort<N> },
	orders: Record<N, Order>,
	id: AnySQLiteColumn,
) {
	const down = query.sort.startsWith('-');
	const name = (down ? query.sort.slice(1) : query.sort) as N;
	const order = orders[name];
	const expressed = 'by' in order;
	const { by, of } = expressed ? order : { by: order, of: (value: unknown) => order.mapToDriverValue(value) };
	const compare = sql.raw(down ? '<' : '>');
	const from = query.cursor === undefined ? null : decode(query.cursor, query.sort);
	const direction = down ? desc : asc;
	const after = (last: Keyed<N>) => encode({ sort: query.sort, after: After.parse(of(last[name])), id: last.id });
	return {
		where: and(
			from ? sql`(${by}, ${id}) ${compare} (${from.after}, ${from.id})` : undefined,
			// In an index of an expression SQLite finds the place by this alone.
			from && expressed ? sql`${by} ${compare}= ${from.after}` : undefined,
		),
		orderBy: [direction(by), direction(id)],
		limit: literal(query.limit + 1),
		page<Row extends Keyed<N>>(rows: Row[]): Page<Row> {
			const items = rows.slice(0, query.limit);
			const last = items.at(-1);
			return { items, next_cursor: rows.length > query.limit && last ? after(last) : null };
		},
		/** The same of rows that are texts: only the last that is shown is read. */
		pageText<Row extends Keyed<N>>(rows: { row: TextOf<Row> }[]): TextOf<Page<Row>> {
			const items = rows.slice(0, query.limit).map(({ row }) => row);
			const last = items.at(-1);
			const next_cursor = rows.length > query.limit && last ? after(JSON.parse(last) as Row) : null;
			return `{"items":[${items.join(',')}],"next_cursor":${JSON.stringify(next_cursor)}}` as TextOf<Page<Row>>;
		},
	};
}

const encode = (cursor: z.infer<typeof Cursor>): string =>
	toBase64url(new TextEncoder().encode(JSON.stringify(cursor)));

function decode(text: string, sort: string) {
	const wrong = () => invalid('cursor', 'is not a cursor of this list in this order');
	try {
		const json = new TextDecoder().decode(fromBase64url(text));
		const cursor = Cursor.parse(JSON.parse(json));
		if (cursor.sort !== sort) throw wrong();
		return cursor;
	} catch {
		throw wrong();
	}
}
