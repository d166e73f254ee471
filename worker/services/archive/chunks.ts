import { getTableColumns, sql, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { utf8Length } from '#domain/bytes.ts';
import { import_chunks } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import type { Kind, Row } from './kinds.ts';

// Rows of an archive wait as JSON, some hundred together: the database takes few statements, and each is one parameter.

const CHUNK_BYTES = 400_000;
const CHUNK_ROWS = 2000;

interface Chunk {
	kind: string;
	first_line: number;
	first_id: number | null;
	last_id: number | null;
	rows: string[];
	size: number;
}

/** Gathers what follows each other into chunks, and writes those that are full. */
export class Chunks {
	readonly #ctx: Ctx;
	readonly #import_id: number;
	#open: Chunk | null = null;

	constructor(ctx: Ctx, import_id: number) {
		this.#ctx = ctx;
		this.#import_id = import_id;
	}

	/** `json`: the row as JSON. */
	async add(kind: string, line: number, id: number | null, json: string): Promise<void> {
		const open = this.#open;
		const size = utf8Length(json);
		if (open && (open.kind !== kind || open.size + size > CHUNK_BYTES || open.rows.length === CHUNK_ROWS))
			await this.flush();
		const chunk = (this.#open ??= { kind, first_line: line, first_id: id, last_id: id, rows: [], size: 0 });
		chunk.rows.push(json);
		chunk.size += size;
		chunk.last_id = id;
	}

	async flush(): Promise<void> {
		const chunk = this.#open;
		if (!chunk) return;
		this.#open = null;
		const { kind, first_line, first_id, last_id } = chunk;
		const row = { import_id: this.#import_id, kind, first_line, first_id, last_id, rows: `[${chunk.rows.join(',')}]` };
		await this.#ctx.db
			.insert(import_chunks)
			.values(row)
			.onConflictDoUpdate({ target: [import_chunks.import_id, import_chunks.first_line], set: row });
	}
}

/** A row as it waits: a moment as the column has it, JSON as it is. Text ends at a NUL in SQLite's own JSON, so there is none. */
export function staged({ columns }: Kind, row: Row): string {
	const values: Row = {};
	for (const [name, column] of Object.entries(columns)) {
		const value = row[name];
		if (value === null || value === undefined) values[name] = null;
		else if (column.dataType === 'json') values[name] = value;
		else if (typeof value === 'string' && column.dataType === 'string')
			values[name] = value.toWellFormed().replaceAll('\0', '\ufffd');
		else values[name] = column.mapToDriverValue(value);
	}
	return JSON.stringify(values);
}

const path = (column: string): SQL => sql.raw(`'$.${column}'`);
const quoted = (name: string): SQL => sql.raw(`"${name}"`);

/** The waiting rows of a kind as a table: `line`, and these columns of it as the table has them. */
export const waiting = (import_id: number, kind: string, columns: readonly string[]): SQL => sql`(
	select c.first_line + r.key as line${sql.join(
		columns.map((name) => sql`, json_extract(r.value, ${path(name)}) as ${quoted(name)}`),
		sql``,
	)} from import_chunks c join json_each(c.rows) r where c.import_id = ${import_id} and c.kind = ${kind})`;

/** The waiting rows of a kind in their order, with a value for each column of its table, in the table's own order. */
export const rowsOf = (import_id: number, { kind, table, columns, placeholders }: Kind): SQL => {
	const values = Object.values(getTableColumns(table))
		.map(nameOf)
		// A name that no column has would be a text to SQLite, so what is in no archive is said to be nothing.
		.map((name) => (name in columns ? quoted(name) : sql.raw(placeholders[name] ?? 'null')));
	return sql`select ${sql.join(values, sql`, `)} from ${waiting(import_id, kind, Object.values(columns).map(nameOf))} order by line`;
};

/** The tables' columns have the names of their fields. */
export const nameOf = (column: SQLiteColumn): string => column.name;
