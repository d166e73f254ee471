import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { TokenScope } from '#domain/token.ts';
import { editable, id, time } from '../columns.ts';
import { users } from './user.ts';

/** What programs sign in with, as the person who made it. */
export const api_tokens = sqliteTable(
	'api_tokens',
	{
		id: id(),
		user_id: integer()
			.notNull()
			.references(() => users.id, { onDelete: 'cascade' }),
		name: text().notNull(),
		scopes: text({ mode: 'json' }).$type<TokenScope[]>().notNull(),
		/** SHA-256 of the token, which is shown once and not kept. */
		hash: text().notNull(),
		expires_at: time().notNull(),
		/** To the minute. */
		last_used_at: time(),
		...editable(),
	},
	(t) => [
		// Every request of a program looks its token up by the hash.
		uniqueIndex('api_tokens_hash').on(t.hash),
		// A person's tokens: their list, and their end.
		index('api_tokens_user').on(t.user_id, t.id),
	],
);
