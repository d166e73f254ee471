import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Locale, Role, Theme } from '#domain/user.ts';
import { editable, id, stamps, time, oneOf } from '../columns.ts';

export const users = sqliteTable(
	'users',
	{
		id: id(),
		username: text().notNull(),
		email: text(),
		role: oneOf(Role).notNull(),
		theme: oneOf(Theme).notNull().default('dark'),
		display_name: text(),
		is_active: integer({ mode: 'boolean' }).notNull().default(true),
		locale: oneOf(Locale).notNull().default('en'),
		last_login_at: time(),
		...editable(),
	},
	(t) => [
		// A name is one person; people sign in by it.
		uniqueIndex('users_username').on(t.username),
		// An address is one person: a provider links by it.
		uniqueIndex('users_email')
			.on(t.email)
			.where(sql`email is not null`),
		check('users_role', sql`role in ('admin','projets','dev','ops')`),
	],
);

/** How a person proves who they are: a password (provider `credential`), later a subject at an OIDC provider. */
export const identities = sqliteTable(
	'identities',
	{
		id: id(),
		user_id: integer()
			.notNull()
			.references(() => users.id, { onDelete: 'cascade' }),
		provider: text().notNull(),
		subject: text().notNull(),
		password_hash: text(),
		...stamps(),
	},
	(t) => [
		// Who a provider says it is, or the password of an account.
		uniqueIndex('identities_subject').on(t.provider, t.subject),
		// A person's identities: a password is changed by it.
		index('identities_user').on(t.user_id),
	],
);

export const sessions = sqliteTable(
	'sessions',
	{
		id: id(),
		/** SHA-256 of the cookie's token: who reads this table cannot sign in with it. */
		token_hash: text().notNull(),
		user_id: integer()
			.notNull()
			.references(() => users.id, { onDelete: 'cascade' }),
		expires_at: time().notNull(),
		ip: text(),
		user_agent: text(),
		...stamps(),
	},
	// Every request looks its session up by token; closing a person's sessions goes by user.
	(t) => [uniqueIndex('sessions_token_hash').on(t.token_hash), index('sessions_user').on(t.user_id)],
);

/** Failed sign-ins, counted per account name and per address in windows. */
export const login_attempts = sqliteTable('login_attempts', {
	/** `user:<name>` or `ip:<address>`. */
	subject: text().primaryKey(),
	count: integer().notNull(),
	window_start: time().notNull(),
});
