import { type AnyColumn, type GetColumnData, sql, type SQL } from 'drizzle-orm';
import { flat } from './flat.ts';

declare const row: unique symbol;
/** A row as the JSON an answer shows of it. */
export type TextOf<Row> = string & { readonly [row]: Row };

type RowOf<Columns extends Record<string, AnyColumn>> = { [Name in keyof Columns]: GetColumnData<Columns[Name]> };

/**
 * These columns as the one text an answer shows of them, for long lists: D1 hands over one cell a row, and nothing of it is taken apart
 * and put together again. To be made once. Not for reals, which SQLite shortens in text.
 */
export function textOf<Columns extends Record<string, AnyColumn>>(columns: Columns): SQL<TextOf<RowOf<Columns>>> {
	const members = Object.entries(columns).map(
		([name, column], i) => sql`(${sql.raw(`'${i === 0 ? '{' : ','}"${name}":'`)} || ${valueOf(column)})`,
	);
	return flat(sql<TextOf<RowOf<Columns>>>`${sql.join(members, sql` || `)} || '}'`);
}

/** A column's value as JSON. */
function valueOf(column: AnyColumn): SQL {
	switch (column.dataType) {
		case 'string':
			return sql`json_quote(${column})`;
		case 'boolean':
			return sql`case ${column} when 1 then 'true' when 0 then 'false' else 'null' end`;
		// The one type of our own is the moment.
		case 'custom':
			return sql`coalesce('"' || strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch') || '"', 'null')`;
		default:
			return sql`coalesce(${column}, 'null')`;
	}
}
