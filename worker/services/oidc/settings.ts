import { z } from 'zod';
import { PasswordPolicy } from '#domain/sign-in.ts';
import { Role } from '#domain/user.ts';

/** What the hub's operator says of sign-in, by the names of its variables. All of them text, none of them needed. */
export interface SignInEnv {
	UHUB_PASSWORD_SIGN_IN?: string;
	UHUB_OIDC_ISSUER?: string;
	UHUB_OIDC_CLIENT_ID?: string;
	UHUB_OIDC_CLIENT_SECRET?: string;
	UHUB_OIDC_SCOPES?: string;
	UHUB_OIDC_LABEL?: string;
	UHUB_OIDC_ROLE_CLAIM?: string;
	UHUB_OIDC_ROLES?: string;
	UHUB_OIDC_DEFAULT_ROLE?: string;
	UHUB_OIDC_CREATE?: string;
}

export interface OidcSettings {
	issuer: URL;
	client_id: string;
	/** None for a public client: PKCE alone. */
	client_secret: string | null;
	scopes: string;
	label: string;
	/** Where in the claims the groups stand, and which of them give which role: the first that is there counts. */
	roles: { claim: string; map: [string, Role][] } | null;
	/** For whom no group gives one; without it they are refused where there is a mapping. */
	default_role: Role | null;
	/** Whether people nobody knows here become users. */
	create: boolean;
}

export interface SignInSettings {
	passwords: PasswordPolicy;
	oidc: OidcSettings | null;
	/** What is wrong with them, for the operator. With any, there is no OIDC. */
	problems: string[];
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const Issuer = z
	.url('expected the address of the issuer')
	.transform((address) => new URL(address))
	.refine(
		({ protocol, hostname }) => protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname)),
		'expected an https address (http only on this very machine)',
	)
	.refine(({ search, hash, username }) => !search && !hash && !username, 'expected an address without ?, # and user');

const RoleMap = z
	.string()
	.transform((text) =>
		text
			.split(',')
			.map((pair) => pair.trim())
			.filter(Boolean),
	)
	.pipe(
		z
			.array(
				z
					.string()
					.regex(/^.+=(admin|projets|dev|ops)$/, 'expected group=role, role being one of admin, projets, dev, ops')
					.transform((pair): [string, Role] => {
						const at = pair.lastIndexOf('=');
						return [pair.slice(0, at).trim(), Role.parse(pair.slice(at + 1))];
					}),
			)
			.min(1, 'expected group=role, more of them after commas')
			.max(100),
	);

const Env = z
	.object({
		UHUB_OIDC_ISSUER: Issuer,
		UHUB_OIDC_CLIENT_ID: z.string({ error: 'is needed beside UHUB_OIDC_ISSUER' }).min(1).max(300),
		UHUB_OIDC_CLIENT_SECRET: z.string().min(1).max(1000).optional(),
		UHUB_OIDC_SCOPES: z
			.string()
			.regex(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/, 'expected words with one space between them')
			.refine((scopes) => scopes.split(' ').includes('openid'), 'must hold openid')
			.default('openid email profile'),
		UHUB_OIDC_LABEL: z.string().trim().min(1).max(60).optional(),
		UHUB_OIDC_ROLE_CLAIM: z.string().min(1).max(200).optional(),
		UHUB_OIDC_ROLES: RoleMap.optional(),
		UHUB_OIDC_DEFAULT_ROLE: Role.optional(),
		UHUB_OIDC_CREATE: z.enum(['0', '1'], 'expected 0 or 1').default('0'),
	})
	.refine((env) => (env.UHUB_OIDC_ROLES === undefined) === (env.UHUB_OIDC_ROLE_CLAIM === undefined), {
		path: ['UHUB_OIDC_ROLES'],
		message: 'goes together with UHUB_OIDC_ROLE_CLAIM: set both or neither',
	})
	.refine((env) => env.UHUB_OIDC_CREATE === '0' || env.UHUB_OIDC_DEFAULT_ROLE || env.UHUB_OIDC_ROLES, {
		path: ['UHUB_OIDC_CREATE'],
		message: 'needs UHUB_OIDC_ROLES or UHUB_OIDC_DEFAULT_ROLE: a new person must have a role',
	});

/** The names the operator may use; the launcher passes these on and no others. */
export const SIGN_IN_NAMES = ['UHUB_PASSWORD_SIGN_IN', ...Object.keys(Env.shape)];

/** Reads the settings. Whatever is wrong closes a door, and never opens one. */
export function signInSettings(all: SignInEnv): SignInSettings {
	const env = Object.fromEntries(
		SIGN_IN_NAMES.flatMap((name) => {
			const value: unknown = Reflect.get(all, name);
			return typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [];
		}),
	);
	const { UHUB_PASSWORD_SIGN_IN = 'all', ...rest } = env;
	const passwords = PasswordPolicy.safeParse(UHUB_PASSWORD_SIGN_IN);
	const problems = passwords.success ? [] : ['UHUB_PASSWORD_SIGN_IN: expected all or admins'];
	const closed = { passwords: passwords.success ? passwords.data : ('admins' as const), oidc: null };

	if (rest.UHUB_OIDC_ISSUER === undefined) {
		const [lonely] = Object.keys(rest);
		if (lonely !== undefined) problems.push(`${lonely}: has no meaning without UHUB_OIDC_ISSUER`);
		else if (UHUB_PASSWORD_SIGN_IN === 'admins')
			problems.push('UHUB_PASSWORD_SIGN_IN: without UHUB_OIDC_ISSUER the others could not come in at all');
		return { ...closed, problems };
	}
	const read = Env.safeParse(rest);
	if (!read.success) {
		problems.push(...read.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`));
		return { ...closed, problems };
	}
	const s = read.data;
	return {
		...closed,
		problems,
		oidc: {
			issuer: s.UHUB_OIDC_ISSUER,
			client_id: s.UHUB_OIDC_CLIENT_ID,
			client_secret: s.UHUB_OIDC_CLIENT_SECRET ?? null,
			scopes: s.UHUB_OIDC_SCOPES,
			label: s.UHUB_OIDC_LABEL ?? s.UHUB_OIDC_ISSUER.hostname,
			roles:
				s.UHUB_OIDC_ROLE_CLAIM !== undefined && s.UHUB_OIDC_ROLES !== undefined
					? { claim: s.UHUB_OIDC_ROLE_CLAIM, map: s.UHUB_OIDC_ROLES }
					: null,
			default_role: s.UHUB_OIDC_DEFAULT_ROLE ?? null,
			create: s.UHUB_OIDC_CREATE === '1',
		},
	};
}
