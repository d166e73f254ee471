import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Username } from '#domain/user.ts';
import { claimAt, personOf, together, usernameOf } from '#worker/services/oidc/person.ts';
import { type OidcSettings, type SignInEnv, signInSettings } from '#worker/services/oidc/settings.ts';

const MINIMUM: SignInEnv = { UHUB_OIDC_ISSUER: 'https://id.example.org/realms/x', UHUB_OIDC_CLIENT_ID: 'uhub' };
const GROUPS = { UHUB_OIDC_ROLE_CLAIM: 'groups', UHUB_OIDC_ROLES: 'hub-admins=admin, cn=ops,ou=x=ops' };

const settings = (env: SignInEnv = {}): OidcSettings => {
	const { oidc, problems } = signInSettings({ ...MINIMUM, ...env });
	if (!oidc) throw new Error(problems.join());
	return oidc;
};

describe('claims from two places', () => {
	const asked = { email: 'b@example.org', email_verified: true, groups: ['x'] };

	it('vouch each for the address they name, and for no other', () => {
		expect(together(asked, { sub: '1', email: 'a@example.org' })).toMatchObject({
			email: 'a@example.org',
			email_verified: undefined,
			groups: ['x'],
		});
		expect(together(asked, { email: 'b@example.org' })).toMatchObject({ email_verified: true });
		expect(together(asked, { email: 'b@example.org', email_verified: false })).toMatchObject({ email_verified: false });
		expect(together(asked, { email_verified: true })).toMatchObject({ email: 'b@example.org', email_verified: true });
		expect(together({ email: 'b@example.org' }, { email_verified: true })).toMatchObject({ email_verified: undefined });
		expect(together({}, {})).toMatchObject({ email: undefined, email_verified: undefined });
	});
});

describe('the settings of sign-in', () => {
	it('are none by default, and few are needed', () => {
		expect(signInSettings({})).toEqual({ passwords: 'all', oidc: null, problems: [] });
		expect(signInSettings(MINIMUM)).toMatchObject({
			problems: [],
			oidc: {
				client_secret: null,
				scopes: 'openid email profile',
				label: 'id.example.org',
				roles: null,
				default_role: null,
				create: false,
			},
		});
	});

	it('keep the order of the mapping, and the = inside a group', () => {
		const { roles } = settings({ UHUB_OIDC_ROLE_CLAIM: 'groups', UHUB_OIDC_ROLES: 'a=b=admin, team ops=ops' });
		expect(roles).toEqual({
			claim: 'groups',
			map: [
				['a=b', 'admin'],
				['team ops', 'ops'],
			],
		});
	});

	it.each<[string, SignInEnv]>([
		['UHUB_OIDC_ISSUER', { UHUB_OIDC_ISSUER: 'http://id.example.org' }],
		['UHUB_OIDC_ISSUER', { UHUB_OIDC_ISSUER: 'http://127.0.0.1.example.org' }],
		['UHUB_OIDC_ISSUER', { UHUB_OIDC_ISSUER: 'javascript:alert(1)' }],
		['UHUB_OIDC_ISSUER', { UHUB_OIDC_ISSUER: 'https://a:b@id.example.org' }],
		['UHUB_OIDC_ISSUER', { UHUB_OIDC_ISSUER: 'id.example.org' }],
		['UHUB_OIDC_CLIENT_ID', { UHUB_OIDC_CLIENT_ID: '' }],
		['UHUB_OIDC_SCOPES', { UHUB_OIDC_SCOPES: 'email' }],
		['UHUB_OIDC_ROLES', { UHUB_OIDC_ROLE_CLAIM: 'groups' }],
		['UHUB_OIDC_ROLES', { UHUB_OIDC_ROLE_CLAIM: 'groups', UHUB_OIDC_ROLES: 'x=root' }],
		['UHUB_OIDC_ROLES', { UHUB_OIDC_ROLE_CLAIM: 'groups', UHUB_OIDC_ROLES: ',' }],
		['UHUB_OIDC_ROLES', { UHUB_OIDC_ROLES: 'x=dev' }],
		['UHUB_OIDC_DEFAULT_ROLE', { UHUB_OIDC_DEFAULT_ROLE: 'Admin' }],
		['UHUB_OIDC_CREATE', { UHUB_OIDC_CREATE: '1' }],
		['UHUB_OIDC_CREATE', { UHUB_OIDC_CREATE: 'yes' }],
	])('name what is wrong, and open nothing: %s in %j', (name, env) => {
		const { oidc, problems } = signInSettings({ ...MINIMUM, ...env });
		expect(oidc).toBeNull();
		expect(problems.map((problem) => problem.split(':')[0])).toContain(name);
	});

	it('close the door on a policy that is none, and warn of one that shuts everybody out', () => {
		expect(signInSettings({ ...MINIMUM, UHUB_PASSWORD_SIGN_IN: 'admin' })).toMatchObject({ passwords: 'admins' });
		expect(signInSettings({ UHUB_PASSWORD_SIGN_IN: 'admins' }).problems).toHaveLength(1);
		expect(signInSettings({ UHUB_OIDC_CLIENT_SECRET: 's' }).problems).toHaveLength(1);
		expect(signInSettings({ ...MINIMUM, UHUB_PASSWORD_SIGN_IN: 'admins' }).problems).toEqual([]);
	});

	it('take http on this very machine', () => {
		for (const UHUB_OIDC_ISSUER of ['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000'])
			expect(settings({ UHUB_OIDC_ISSUER }).issuer.protocol).toBe('http:');
	});
});

describe('a person of the provider', () => {
	const person = (claims: object, env: SignInEnv = {}) =>
		personOf(settings(env), 'https://id.example.org', { sub: 's1', ...claims });

	it('has a verified e-mail only where the provider says so with true', () => {
		for (const email_verified of [undefined, null, false, 'true', 1, {}])
			expect(person({ email: 'Ada@Example.org', email_verified })).toMatchObject({ email_verified: false });
		expect(person({ email: 'Ada@Example.org', email_verified: true })).toMatchObject({
			email: 'ada@example.org',
			email_verified: true,
		});
		expect(person({ email: ['ada@example.org'], email_verified: true })).toMatchObject({
			email: null,
			email_verified: false,
		});
	});

	it('gets the first role of the mapping that one of the groups gives, whatever the order of the groups', () => {
		const env = { ...GROUPS, UHUB_OIDC_ROLES: 'admins=admin,ops=ops,everybody=dev' };
		expect(person({ groups: ['everybody', 'ops', 'admins'] }, env).mapped_role).toBe('admin');
		expect(person({ groups: ['everybody', 'ops'] }, env).mapped_role).toBe('ops');
		expect(person({ groups: 'ops' }, env).mapped_role).toBe('ops');
		for (const groups of [undefined, null, [], 'admin', ['Admins'], [{ name: 'admins' }], { admins: true }])
			expect(person({ groups }, env).mapped_role).toBeNull();
		expect(person({ groups: ['admins'] }).mapped_role).toBeNull();
	});

	it('has claims at a path or under a name with dots, and never those of the prototype', () => {
		expect(claimAt({ realm_access: { roles: ['a'] } }, 'realm_access.roles')).toEqual(['a']);
		expect(claimAt({ 'https://x.org/groups': ['b'] }, 'https://x.org/groups')).toEqual(['b']);
		for (const name of ['constructor', '__proto__', 'a.b', 'sub.length.x', 'toString.name'])
			expect(claimAt({ sub: 'x' }, name)).toBeUndefined();
	});

	it('has a subject', () => {
		for (const sub of [undefined, '', 'x'.repeat(256), 7])
			expect(() => personOf(settings(), 'https://id.example.org', { sub })).toThrow();
	});

	it('gets a name of ours, from whatever the provider calls them', () => {
		expect(usernameOf(['Zoë.Müller@example.org'])).toBe('zoe.muller');
		expect(usernameOf([null, '  ', '李', 'Ada Lovelace'])).toBe('ada-lovelace');
		expect(usernameOf(['../../etc'])).toBe('etc');
		fc.assert(
			fc.property(fc.array(fc.option(fc.string({ unit: 'binary' }))), (hints) => {
				const name = usernameOf(hints);
				expect(Username.parse(name)).toBe(name);
				// A number may follow.
				expect(Username.safeParse(`${name}-31`).success).toBe(true);
			}),
		);
	});
});
