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

/** What a person may change about themselves. */
export const MePatch = z.strictObject({ theme: Theme, locale: Locale, display_name: Name(80).nullable() }).partial();
export type MePatch = z.infer<typeof MePatch>;
