import { asc, desc, sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';
import { z } from 'zod';
import { invalid } from '#domain/errors.ts';

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

type Keyed<N extends string> = { id: number } & Record<N, string | number>;

/**
 * A page by keyset: `where` starts after the cursor, `limit` is one more than is shown, `page` makes the answer of the rows.
 * The columns must not be null; the id makes the order total. A cursor of another order is refused.
 */
export function keyset<N extends string>(
	query: { limit: number; cursor?: string | undefined; sort: Sort<N> },
	columns: Record<N, AnySQLiteColumn>,
	id: AnySQLiteColumn,
) {
	const down = query.sort.startsWith('-');
	const name = (down ? query.sort.slice(1) : query.sort) as N;
	const column = columns[name];
	const from = query.cursor === undefined ? null : decode(query.cursor, query.sort);
	const direction = down ? desc : asc;
	const after = (last: Keyed<N>) =>
		encode({ sort: query.sort, after: After.parse(column.mapToDriverValue(last[name])), id: last.id });
	return {
		where: from ? sql`(${column}, ${id}) ${sql.raw(down ? '<' : '>')} (${from.after}, ${from.id})` : undefined,
		orderBy: [direction(column), direction(id)],
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
