import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { type MailAttempt, MailStatus } from '#domain/mail.ts';
import { id, oneOf, time } from '../columns.ts';
import { users } from './user.ts';

/** Mails that are to go out, and what became of them. */
export const mails = sqliteTable(
	'mails',
	{
		id: id(),
		user_id: integer()
			.notNull()
			.references(() => users.id, { onDelete: 'cascade' }),
		/** What it is called on the way: the same at each attempt. */
		key: text().notNull(),
		/** The notifications that are in it; null: it asks whether the address is right. */
		notifications: text({ mode: 'json' }).$type<number[]>(),
		status: oneOf(MailStatus).notNull().default('pending'),
		tries: integer().notNull().default(0),
		attempts: text({ mode: 'json' }).$type<MailAttempt[]>().notNull().default([]),
		next_at: time(),
		/** Somebody is sending it until then; one that died leaves it to the next. */
		claimed_until: time(),
		created_at: time().notNull(),
	},
	(t) => [
		// What is mailed is mailed once.
		uniqueIndex('mails_key').on(t.key),
		// The latest to a person; and how many went out within the hour, for the bound.
		index('mails_user').on(t.user_id, t.created_at),
		// What is old is one range of this.
		index('mails_created').on(t.created_at),
		// What did not arrive is little.
		index('mails_unsent')
			.on(t.created_at)
			.where(sql`status <> 'sent'`),
		// What is to be sent now is one range of this.
		index('mails_due')
			.on(t.next_at)
			.where(sql`status = 'pending'`),
	],
);
