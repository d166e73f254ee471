import { sql, type SQL } from 'drizzle-orm';
import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core';

const dialect = new SQLiteAsyncDialect();

/** SQL without parameters as one text, made once: putting many pieces together costs more at each request than what they ask. */
export function flat<T>(pieces: SQL<T>): SQL<T> {
	const { sql: text, params } = dialect.sqlToQuery(pieces);
	if (params.length > 0) throw new Error('only SQL without parameters is the same at each request');
	return sql<T>`${sql.raw(text)}`;
}
