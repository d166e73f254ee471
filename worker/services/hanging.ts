import { is, sql, type SQL } from 'drizzle-orm';
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { z } from 'zod';
import { DomainError } from '#domain/errors.ts';
import * as schema from '../db/client.ts';

/** The columns that name a row of that table and do not go with it, as the schema has them: a new one need not be listed anywhere. */
function namedBy(parent: SQLiteTable, goesAlong: readonly string[]): { table: string; column: string }[] {
	return Object.values(schema).flatMap((table) => {
		if (!is(table, SQLiteTable)) return [];
		const { name, foreignKeys } = getTableConfig(table);
		if (goesAlong.includes(name)) return [];
		return foreignKeys.flatMap((key) => {
			const { foreignTable, columns } = key.reference();
			const [column] = columns;
			return foreignTable === parent && column && key.onDelete !== 'cascade'
				? [{ table: name, column: column.name }]
				: [];
		});
	});
}

/** What keeps a row from being deleted: how many rows of which tables name it. `also`: what is counted
 * in a way of its own. For a batch's `select`, and for its `expect`. */
export function hangingOn(
	parent: SQLiteTable,
	id: number,
	{ goesAlong = [], also = {} }: { goesAlong?: readonly string[]; also?: Record<string, SQL> } = {},
) {
	const counts = [
		...namedBy(parent, [...goesAlong, ...Object.keys(also)]).map(
			({ table, column }) =>
				sql`${table}, (select count(*) from ${sql.identifier(table)} where ${sql.identifier(column)} = ${id})`,
		),
		...Object.entries(also).map(([what, count]) => sql`${what}, ${count}`),
	];
	const all = sql<string>`json_object(${sql.join(counts, sql`, `)})`;
	return { counts: all, none: sql`not exists (select 1 from json_each(${all}) where value > 0)` };
}

const Counts = z.record(z.string(), z.int());

/** Throws a `conflict` that says what hangs on the row, in words and, for programs, table by table. */
export function assertNothingHangs(what: string, counts: string | undefined, instead: string): void {
	const hanging = Object.entries(Counts.parse(JSON.parse(counts ?? '{}'))).filter(([, n]) => n > 0);
	if (hanging.length === 0) return;
	const listed = hanging.map(([table, n]) => `${table} (${String(n)})`).join(', ');
	throw new DomainError('conflict', `These belong to the ${what}: ${listed}. ${instead}`, {
		errors: hanging.map(([path, n]) => ({ path, message: String(n) })),
	});
}
