import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { id, stamps, time } from '../columns.ts';
import { users } from './user.ts';

const owner = () => integer().references(() => users.id, { onDelete: 'cascade' });

/** A person's authenticator. Without `confirmed_at` it is being set up, and asked of nobody. */
export const second_factors = sqliteTable('second_factors', {
	user_id: owner().primaryKey(),
	/** Encrypted with a key made from UHUB_SECRET. */
	secret: text().notNull(),
	confirmed_at: time(),
	/** The time step of the latest code that was taken: none is taken twice, nor an older one. */
	last_counter: integer().notNull().default(0),
	...stamps(),
});

/** Each is good once, in the authenticator's place. */
export const recovery_codes = sqliteTable(
	'recovery_codes',
	{
		id: id(),
		user_id: owner().notNull(),
		code_hash: text().notNull(),
		used_at: time(),
		...stamps(),
	},
	(t) => [
		// A code is looked up by its hash, and is one.
		uniqueIndex('recovery_codes_code').on(t.user_id, t.code_hash),
	],
);

/** Sealed states of a sign-in that were used, until they would be over anyway: their cookies may be kept by somebody. */
export const spent_states = sqliteTable('spent_states', {
	id: text().primaryKey(),
	expires_at: time().notNull(),
});
