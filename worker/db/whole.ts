import { type AnyColumn, getTableColumns, type InferSelectModel, sql, type SQL } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { flat } from './flat.ts';

/** D1 takes 32 arguments to a function: names and values of this many columns. */
const COLUMNS = 16;

/**
 * All of a table's row as one JSON text, for lists: D1 hands over one cell a row instead of one a column, and the runtime's own
 * parser makes the object; `without` some columns. To be made once for a table. Not for tables with reals, which SQLite shortens in JSON.
 */
export function whole<T extends SQLiteTable, K extends keyof InferSelectModel<T> & string = never>(
	table: T,
	...without: K[]
): SQL<Omit<InferSelectModel<T>, K>> {
	const columns = Object.entries<AnyColumn>(getTableColumns(table)).filter(
		([name]) => !without.some((w) => w === name),
	);
	const decoded = columns.filter(([, column]) => !plain.has(column.dataType));
	return flat<Omit<InferSelectModel<T>, K>>(textOf(columns)).mapWith((text: string) => {
		const row = JSON.parse(text) as Omit<InferSelectModel<T>, K>;
		for (const [name, column] of decoded) {
			const value: unknown = Reflect.get(row, name);
			if (value !== null) Reflect.set(row, name, column.mapFromDriverValue(value));
		}
		return row;
	});
}

/** What JSON makes of these is the value. */
const plain = new Set(['string', 'number', 'json']);

function textOf<R>(columns: readonly [string, AnyColumn][]): SQL<R> {
	const objects: SQL[] = [];
	for (let i = 0; i < columns.length; i += COLUMNS)
		objects.push(
			sql`json_object(${sql.join(
				columns
					.slice(i, i + COLUMNS)
					.map(
						([name, column]) =>
							sql`${sql.raw(`'${name}'`)}, ${column.dataType === 'json' ? sql`json(${column})` : column}`,
					),
				sql`, `,
			)})`,
		);
	const [first, ...rest] = objects;
	return rest.reduce<SQL<R>>(
		(text, object) => sql<R>`rtrim(${text}, '}') || ',' || ltrim(${object}, '{')`,
		sql<R>`${first}`,
	);
}
