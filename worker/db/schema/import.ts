import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { ImportProgress } from '#domain/archive.ts';
import { id, stamps, time } from '../columns.ts';

/** An archive on its way in. The one that was carried out stays: by it the log of a run knows that it is this run's. */
export const imports = sqliteTable(
	'imports',
	{
		id: id(),
		/** What its lines are sent by. */
		token: text().notNull(),
		/** The number of the line that is expected next, and what is known of those before it. */
		next_line: integer().notNull().default(1),
		progress: text({ mode: 'json' }).$type<ImportProgress>().notNull(),
		done_at: time(),
		...stamps(),
	},
	(t) => [
		// Each part of an archive names its import by the token.
		uniqueIndex('imports_token').on(t.token),
	],
);

/** Lines that were checked one by one and wait for the last of them: some of one kind together, as a JSON array. */
export const import_chunks = sqliteTable(
	'import_chunks',
	{
		import_id: integer()
			.notNull()
			.references(() => imports.id, { onDelete: 'cascade' }),
		first_line: integer().notNull(),
		kind: text().notNull(),
		/** Of rows that have an id: the first's and the last's, for they ascend. */
		first_id: integer(),
		last_id: integer(),
		rows: text().notNull(),
	},
	(t) => [
		primaryKey({ columns: [t.import_id, t.first_line] }),
		// An import ends kind by kind, in the order of the lines.
		index('import_chunks_kind').on(t.import_id, t.kind, t.first_line),
	],
);
