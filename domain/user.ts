import { z } from 'zod';
import { editable, Id, Name, Time } from './common.ts';

export const Role = z.enum(['admin', 'projets', 'dev', 'ops']);
export type Role = z.infer<typeof Role>;

export const Theme = z.enum(['dark', 'light', 'contrast', 'terminal']);
export type Theme = z.infer<typeof Theme>;

export const Locale = z.enum(['fr', 'en']);
export type Locale = z.infer<typeof Locale>;

/** Lower case, so that two people cannot hold names that differ by case alone. */
export const Username = z
	.string()
	.trim()
	.toLowerCase()
	.regex(
		/^[a-z0-9][a-z0-9._-]{1,39}$/,
		'expected 2 to 40 of a–z, 0–9, dot, dash and underscore, starting with a letter or digit',
	);

export const Password = z.string().min(12, 'expected at least 12 characters').max(200);

export const User = z.object({
	id: Id,
	username: z.string(),
	email: z.string().nullable(),
	role: Role,
	theme: Theme,
	display_name: z.string().nullable(),
	is_active: z.boolean(),
	locale: Locale,
	last_login_at: Time.nullable(),
	...editable,
});
export type User = z.infer<typeof User>;

/** What anyone signed in may know of anyone. */
export const PublicUser = User.pick({ id: true, username: true, display_name: true });
export type PublicUser = z.infer<typeof PublicUser>;

export const Login = z.strictObject({ username: z.string().min(1).max(100), password: z.string().min(1).max(200) });

/** The first admin of an empty hub. */
export const FirstAdmin = z.strictObject({
	username: Username,
	password: Password,
	display_name: Name(80).nullish(),
	locale: Locale.default('en'),
});

const Email = z
	.email('expected an e-mail address')
	.max(200)
	.transform((address) => address.toLowerCase());

const own = { theme: Theme, locale: Locale, display_name: Name(80).nullable(), email: Email.nullable() };

/** What a person may change about themselves. */
export const MePatch = z.strictObject(own).partial();
export type MePatch = z.infer<typeof MePatch>;

/** What an admin may change about anybody. The username stays: it is what others know the person by. */
export const UserPatch = z.strictObject({ ...own, role: Role, is_active: z.boolean() }).partial();
export type UserPatch = z.infer<typeof UserPatch>;

export const UserCreate = z.strictObject({
	username: Username,
	role: Role,
	display_name: own.display_name.default(null),
	email: own.email.default(null),
	theme: Theme.default('dark'),
	locale: Locale.default('en'),
	/** Left out, the hub makes one, and shows it once. */
	password: Password.optional(),
});
export type UserCreate = z.infer<typeof UserCreate>;

/** A password the hub made, shown this once; null where one was given. */
const Generated = { generated_password: z.string().nullable() };

export const UserMade = User.extend(Generated);
export type UserMade = z.infer<typeof UserMade>;

export const PasswordReset = z.strictObject({ password: Password.optional() });
export const PasswordWasReset = z.object({ id: Id, ...Generated });
export type PasswordWasReset = z.infer<typeof PasswordWasReset>;

export const PasswordChange = z.strictObject({ current_password: z.string().min(1).max(200), password: Password });
export type PasswordChange = z.infer<typeof PasswordChange>;

/** One of a person's own sessions. `current` is the one that asks. */
export const SessionView = z.object({
	id: Id,
	created_at: Time,
	expires_at: Time,
	ip: z.string().nullable(),
	user_agent: z.string().nullable(),
	current: z.boolean(),
});
export type SessionView = z.infer<typeof SessionView>;
