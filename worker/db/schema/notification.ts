import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Severity } from '#domain/incident.ts';
import {
	type NotificationAbout,
	type NotificationChoice,
	NotificationEvent,
	NotificationObject,
} from '#domain/notification.ts';
import { id, oneOf, time } from '../columns.ts';
import { projects } from './project.ts';
import { users } from './user.ts';

/** What people are told, written in the batch of what happened. Nobody is told the same twice: that is what the key is of. */
export const notifications = sqliteTable(
	'notifications',
	{
		id: id(),
		user_id: integer()
			.notNull()
			.references(() => users.id, { onDelete: 'cascade' }),
		event: oneOf(NotificationEvent).notNull(),
		project_id: integer().references(() => projects.id, { onDelete: 'cascade' }),
		object_type: oneOf(NotificationObject).notNull(),
		object_id: integer().notNull(),
		about: text({ mode: 'json' }).$type<NotificationAbout>().notNull(),
		dedupe_key: text().notNull(),
		/** By what it was chosen to be told, then: behind the bell, by the browser, to the person's webhook. */
		page: integer({ mode: 'boolean' }).notNull(),
		browser: integer({ mode: 'boolean' }).notNull(),
		webhook: integer({ mode: 'boolean' }).notNull(),
		/** From when on it may go into a mail; null: it need not, or has. */
		mail_due_at: time(),
		created_at: time().notNull(),
		read_at: time(),
	},
	(t) => [
		// By the key first: what was written a moment ago is found by it for everybody.
		uniqueIndex('notifications_once').on(t.dedupe_key, t.user_id),
		// A person's list, the latest first; beyond the most that is kept, the oldest go.
		index('notifications_user').on(t.user_id, t.created_at, t.id),
		// The number at the bell.
		index('notifications_unread')
			.on(t.user_id)
			.where(sql`page = 1 and read_at is null`),
		// What is to go into a mail is one range of this.
		index('notifications_mail_due')
			.on(t.mail_due_at)
			.where(sql`mail_due_at is not null`),
		// What goes with a project that is deleted.
		index('notifications_project').on(t.project_id),
	],
);

/** What a person chose to be told; without a row, what their role is told. */
export const notification_choices = sqliteTable('notification_choices', {
	user_id: integer()
		.primaryKey()
		.references(() => users.id, { onDelete: 'cascade' }),
	channels: text({ mode: 'json' }).$type<NotificationChoice['channels']>().notNull(),
	/** Null: all that they may see. */
	projects: text({ mode: 'json' }).$type<number[]>(),
	severity: oneOf(Severity).notNull(),
	quiet: text({ mode: 'json' }).$type<NonNullable<NotificationChoice['quiet']>>(),
	updated_at: time().notNull(),
});
