import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { time } from '../columns.ts';
import { users } from './user.ts';

/** A person's one token for calendars and readers. Only its hash is kept. */
export const feeds = sqliteTable(
	'feeds',
	{
		user_id: integer()
			.primaryKey()
			.references(() => users.id, { onDelete: 'cascade' }),
		hash: text().notNull(),
		created_at: time().notNull(),
		/** To the hour. */
		last_used_at: time(),
	},
	(t) => [
		// A feed is known by its token alone.
		uniqueIndex('feeds_hash').on(t.hash),
	],
);
