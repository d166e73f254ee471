import { asc, desc, sql, type SQL } from 'drizzle-orm';
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';
import { z } from 'zod';
import { Id } from '#domain/common.ts';
import { invalid } from '#domain/errors.ts';

import { fromBase64url, toBase64url } from './bytes.ts';

type Sort<N extends string> = N | `-${N}`;

/** `?sort=` over a whitelist: a name, or `-name` for the other direction. */
export const sortBy = <const N extends string>(names: readonly N[], standard: Sort<NoInfer<N>>) =>
	z.literal(names.flatMap((name): Sort<N>[] => [name, `-${name}`])).prefault(standard);

/** Rows whose column holds this text, upper and lower ASCII alike. Not LIKE: its patterns are short and full of meaning. */
export const holds = (column: AnySQLiteColumn, text: string | undefined): SQL | undefined =>
	text === undefined ? undefined : sql`instr(lower(${column}), ${text.toLowerCase()}) > 0`;

const Cursor = z.strictObject({ sort: z.string(), after: z.union([z.string(), z.number()]), id: Id });

export interface Page<Row> {
	items: Row[];
	next_cursor: string | null;
}

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
	const after = query.cursor === undefined ? null : decode(query.cursor, query.sort);
	const direction = down ? desc : asc;
	return {
		where: after ? sql`(${column}, ${id}) ${sql.raw(down ? '<' : '>')} (${after.after}, ${after.id})` : undefined,
		orderBy: [direction(column), direction(id)],
		limit: query.limit + 1,
		page<Row extends { id: number } & Record<N, string | number>>(rows: Row[]): Page<Row> {
			const items = rows.slice(0, query.limit);
			const last = items.at(-1);
			if (rows.length <= query.limit || !last) return { items, next_cursor: null };
			const after = z.union([z.string(), z.number()]).parse(column.mapToDriverValue(last[name]));
			return { items, next_cursor: encode({ sort: query.sort, after, id: last.id }) };
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
