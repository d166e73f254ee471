import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { time } from '../columns.ts';

/** A POST's key, claimed in the batch that does its work, so that the work is done once. */
export const idempotency_keys = sqliteTable(
	'idempotency_keys',
	{
		user_id: integer().notNull(),
		key: text().notNull(),
		/** SHA-256 of method, path and body: the same key for something else is an error. */
		request_hash: text().notNull(),
		/** Null until the answer was made. */
		status: integer(),
		answer: text(),
		created_at: time().notNull(),
		/** What was made or changed, as the audit names it: read anew where the answer was never kept. Null: nothing the audit names. */
		object_type: text(),
		object_id: integer(),
	},
	(t) => [primaryKey({ columns: [t.user_id, t.key] })],
);
