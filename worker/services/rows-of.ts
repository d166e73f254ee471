import { getTableColumns, sql, type SQL } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';

/**
 * Rows to insert, all in one statement and one argument: by their columns, as they are kept (times in milliseconds). `instead`: columns
 * that are looked up, from what else stands in a row's `value`.
 */
export function rowsOf(table: SQLiteTable, rows: readonly object[], instead: Record<string, SQL> = {}): SQL {
	const columns = Object.keys(getTableColumns(table)).map(
		(name) => instead[name] ?? sql`value ->> ${sql.raw(`'${name}'`)}`,
	);
	return sql`select ${sql.join(columns, sql`, `)} from json_each(${JSON.stringify(rows)}) where true`;
}
