import { z } from 'zod';
import { Name } from '#domain/common.ts';
import { type Locale, type Role, Username } from '#domain/user.ts';
import type { OidcSettings } from './settings.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Somebody, as their identity provider speaks of them. */
export interface ProviderPerson {
	/** The issuer and the person there; nothing else names them for good. */
	provider: string;
	subject: string;
	email: string | null;
	/** Only what the provider vouches for may find somebody here. */
	email_verified: boolean;
	/** What they might be called here. */
	username: string;
	display_name: string | null;
	locale: Locale;
	/** Null: nothing says one. */
	mapped_role: Role | null;
}

const Email = z.email().max(254).toLowerCase();
/** Subjects are at most 255 ASCII characters. */
const Subject = z.string().min(1).max(255);

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

export function personOf(settings: OidcSettings, issuer: string, claims: Claims): ProviderPerson {
	const email = Email.safeParse(claims.email);
	const display_name = Name(80).safeParse(claims.name);
	return {
		provider: `oidc:${issuer}`,
		subject: Subject.parse(claims.sub),
		email: email.success ? email.data : null,
		email_verified: email.success && claims.email_verified === true,
		username: usernameOf([text(claims.preferred_username), text(claims.email), text(claims.name)]),
		display_name: display_name.success ? display_name.data : null,
		locale: text(claims.locale)?.toLowerCase().startsWith('fr') ? 'fr' : 'en',
		mapped_role: settings.roles && mappedRole(settings.roles, claims),
	};
}

/** The first pair of the mapping whose group the claim holds: the operator's order is the precedence. */
function mappedRole({ claim, map }: NonNullable<OidcSettings['roles']>, claims: Claims): Role | null {
	const value = claimAt(claims, claim);
	const groups = new Set(typeof value === 'string' ? [value] : Array.isArray(value) ? value : []);
	return map.find(([group]) => groups.has(group))?.[1] ?? null;
}

/** The ID token before what was asked for besides. Whether an address is verified is said by whoever names that address. */
export function together(asked: Claims, claims: Claims): Claims {
	const { email, email_verified } = claims.email === undefined ? asked : claims;
	const same = email !== undefined && asked.email === email;
	return { ...asked, ...claims, email, email_verified: email_verified ?? (same ? asked.email_verified : undefined) };
}

/** A claim by its very name, which may be an address with dots in it; else by the path its dots make (`realm_access.roles`). */
export function claimAt(claims: Claims, name: string): unknown {
	if (Object.hasOwn(claims, name)) return claims[name];
	return name
		.split('.')
		.reduce<unknown>(
			(at, part) =>
				typeof at === 'object' && at !== null && Object.hasOwn(at, part) ? Reflect.get(at, part) : undefined,
			claims,
		);
}

/** The first hint that makes a name of ours: without accents, before the @, other characters as dashes. */
export function usernameOf(hints: (string | null)[]): string {
	for (const hint of hints) {
		const name = (hint ?? '')
			.split('@', 1)
			.join('')
			.normalize('NFKD')
			.replace(/\p{M}/gu, '')
			.toLowerCase()
			.replace(/[^a-z0-9._-]+/g, '-')
			.replace(/^[^a-z0-9]+|[-._]+$/g, '')
			.slice(0, 36);
		const known = Username.safeParse(name);
		if (known.success) return known.data;
	}
	return 'person';
}
