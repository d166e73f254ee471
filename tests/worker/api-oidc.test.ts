import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { app } from '#worker/app.ts';
import { sealerOf } from '#worker/services/sealed.ts';
import { type SignInEnv } from '#worker/services/oidc/settings.ts';
import { type Bent, fakeProvider } from './fake-provider.ts';
import { type Caller, caller, fresh, insert, ORIGIN, person } from './api-world.ts';

type Provider = Awaited<ReturnType<typeof fakeProvider>>;
const CLIENT = 'uhub';
const GROUPS: SignInEnv = {
	UHUB_OIDC_ROLE_CLAIM: 'groups',
	UHUB_OIDC_ROLES: 'admins=admin,operators=ops,everybody=dev',
};
let provider: Provider;
let admin: Caller;
let issuers = 0;

beforeAll(async () => {
	admin = await person('admin');
});
// An issuer of its own for each test: what the hub remembers of one is not of the other.
beforeEach(async () => {
	provider = await fakeProvider(`https://id${String(++issuers)}.test`, CLIENT);
});

/** A browser of one person: its cookies, and a hub with these settings. */
function browser(settings: SignInEnv = {}) {
	const cookies = new Map<string, string>();
	const get = async (path: string) => {
		const execution = createExecutionContext();
		const bindings = {
			...env,
			UHUB_OIDC_ISSUER: provider.issuer,
			UHUB_OIDC_CLIENT_ID: CLIENT,
			UHUB_OIDC_CLIENT_SECRET: 'the client secret',
			...settings,
			OIDC_NETWORK: { fetch: provider.fetch },
		};
		const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
		const response = await app.fetch(new Request(`${ORIGIN}${path}`, { headers: { cookie } }), bindings, execution);
		await waitOnExecutionContext(execution);
		for (const set of response.headers.getSetCookie()) {
			const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
			if (value === '') cookies.delete(name);
			else cookies.set(name, value);
		}
		return { status: response.status, headers: response.headers, to: response.headers.get('location') ?? '' };
	};
	const start = async (next = '') => (await get(`/api/auth/oidc/start${next}`)).to;
	const back = (query: URLSearchParams) => get(`/api/auth/oidc/callback?${query.toString()}`);
	return {
		cookies,
		get,
		start,
		back,
		signIn: async (claims: Record<string, unknown>, next = '') => back(provider.grant(await start(next), claims)),
		me: async () => caller(`uhub_session=${cookies.get('uhub_session') ?? ''}`)('GET', '/api/auth/me'),
	};
}

const why = (answer: { to: string }) => new URL(answer.to, ORIGIN).searchParams.get('refused');
const somebody = async (fields: Record<string, unknown> = {}) => {
	const username = fresh('known');
	const email = `${username}@example.org`;
	return { id: await insert('users', { username, email, role: 'dev', ...fields }), username, email };
};
const linked = (email: string, sub = fresh('sub')) => ({ sub, email, email_verified: true });
const auditOf = async (id: number, action: string) =>
	(await admin.ok('GET', `/api/audit?action=${action}&object_type=User&object_id=${String(id)}`)).items as {
		metadata: Record<string, unknown>;
	}[];

describe('the way to the provider', () => {
	it('carries state, nonce and PKCE, and keeps them sealed in the browser', async () => {
		const at = browser();
		const address = new URL(await at.start());
		expect(address.origin + address.pathname).toBe(`${provider.issuer}/authorize`);
		expect(Object.fromEntries(address.searchParams)).toMatchObject({
			client_id: CLIENT,
			redirect_uri: `${ORIGIN}/api/auth/oidc/callback`,
			response_type: 'code',
			scope: 'openid email profile',
			code_challenge_method: 'S256',
		});
		for (const name of ['state', 'nonce', 'code_challenge'])
			expect(address.searchParams.get(name)).toMatch(/^[\w-]{43}$/);
		const again = new URL(await at.start());
		for (const name of ['state', 'nonce', 'code_challenge'])
			expect(again.searchParams.get(name)).not.toBe(address.searchParams.get(name));
		const kept = at.cookies.get('uhub_oidc') ?? '';
		expect(kept).not.toContain(again.searchParams.get('state'));
		expect(await sealerOf(env.UHUB_SECRET).open('cookie', 'uhub_oidc', kept)).toContain(
			again.searchParams.get('state'),
		);
		const { headers } = await at.get('/api/auth/oidc/start');
		expect(headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Lax$/);
		// Discovery was asked for once.
		expect(provider.asked.map(({ path }) => path)).toEqual(['/.well-known/openid-configuration']);
	});

	it('is not there where it is not set up', async () => {
		const nowhere = browser({ UHUB_OIDC_ISSUER: '' });
		expect((await nowhere.get('/api/auth/oidc/start')).status).toBe(404);
		expect((await nowhere.get('/api/auth/oidc/callback?code=x&state=y')).status).toBe(404);
		expect((await browser({ UHUB_OIDC_ROLES: 'x=root' }).get('/api/auth/oidc/start')).status).toBe(404);
	});

	it('18: comes back into the app only', async () => {
		const { email } = await somebody();
		const claims = linked(email);
		for (const [next, to] of [
			['', '/'],
			['?next=/runs/3?status=failed', '/runs/3?status=failed'],
			['?next=//evil.test/', '/'],
			['?next=/%5Cevil.test', '/'],
			['?next=https://evil.test', '/'],
			['?next=javascript:alert(1)', '/'],
			['?next=/%09/evil.test', '/'],
		] as const)
			expect((await browser().signIn(claims, next)).to, next).toBe(to);
	});

	it('says so on the sign-in page when the provider is away, talks too much or lies about itself', async () => {
		for (const bent of [
			{ away: true },
			{ huge: true },
			{ discovery: { issuer: 'https://other.test' } },
		] satisfies Bent[]) {
			provider = await fakeProvider(`https://id${String(++issuers)}.test`, CLIENT);
			provider.bend(bent);
			const at = browser();
			const answer = await at.get('/api/auth/oidc/start?next=/fleet');
			expect(answer.status).toBe(302);
			const page = new URL(answer.to, ORIGIN);
			expect(page.pathname).toBe('/sign-in');
			expect(Object.fromEntries(page.searchParams)).toEqual({
				refused: 'unavailable',
				request: answer.headers.get('x-request-id'),
				next: '/fleet',
			});
			// It is left alone for a moment.
			await at.get('/api/auth/oidc/start');
			expect(provider.asked).toHaveLength(1);
		}
	});
});

describe('coming back', () => {
	it('signs in by a verified e-mail once, and by the subject ever after', async () => {
		const { id, email } = await somebody();
		const at = browser();
		const answer = await at.signIn(linked(email.toUpperCase(), 'ada'));
		expect(answer).toMatchObject({ status: 302, to: '/' });
		expect(await at.me()).toMatchObject({ status: 200, body: { id, role: 'dev' } });
		expect(at.cookies.has('uhub_oidc')).toBe(false);
		expect(provider.asked.find(({ path }) => path === '/token')?.authorization).toMatch(/^Basic /);

		await env.DB.prepare("update users set email = 'moved@example.org' where id = ?").bind(id).run();
		const later = browser();
		await later.signIn({ sub: 'ada' });
		expect(await later.me()).toMatchObject({ body: { id } });
		expect(await auditOf(id, 'identity.link')).toMatchObject([
			{ metadata: { provider: `oidc:${provider.issuer}`, by: 'email' } },
		]);
		expect(await auditOf(id, 'session.create')).toMatchObject([{ metadata: { via: 'oidc' } }, {}]);
	});

	it('finds nobody by an e-mail that is not verified, by a name, or by a subject of another issuer', async () => {
		const { id, username, email } = await somebody();
		await insert('identities', { user_id: id, provider: 'oidc:https://other.test', subject: 'ada' });
		for (const email_verified of [false, 'true', undefined])
			expect(why(await browser().signIn({ sub: 'ada', email, email_verified }))).toBe('unverified');
		expect(why(await browser().signIn({ sub: 'ada', preferred_username: username, name: username }))).toBe('unknown');
		expect(why(await browser().signIn({ ...linked(email), sub: 'eve', email: 'eve@example.org' }))).toBe('unknown');
	});

	it('lets nobody in by an address that was given to another, or that two have', async () => {
		const { email } = await somebody();
		await browser().signIn(linked(email, 'first'));
		expect(why(await browser().signIn(linked(email, 'second')))).toBe('taken');
		const twice = fresh('twice');
		await somebody({ email: `${twice}@example.org` });
		await somebody({ email: `${twice.toUpperCase()}@example.org` });
		expect(why(await browser().signIn(linked(`${twice}@example.org`)))).toBe('taken');
	});

	it('does not believe an address that a person gave themselves, until an admin gives it to them', async () => {
		const { id, email } = await somebody();
		const audit = (action: string, changes: object) =>
			env.DB.prepare(
				"insert into audit_logs (timestamp, action, object_type, object_id, metadata, actor_kind, request_id) values (1, ?, 'User', ?, ?, 'user', 'r')",
			)
				.bind(action, id, JSON.stringify({ version: 2, changes }))
				.run();
		await audit('me.update', { email: { from: null, to: email } });
		await audit('user.update', { role: { from: 'ops', to: 'dev' } });
		expect(why(await browser().signIn(linked(email, 'whose')))).toBe('self_set');
		await audit('user.update', { email: { from: 'x@example.org', to: email } });
		expect((await browser().signIn(linked(email, 'whose'))).to).toBe('/');
	});

	it('4: refuses who was deactivated, before and after the link', async () => {
		const { id, email } = await somebody({ is_active: 0 });
		expect(why(await browser().signIn(linked(email, 'gone')))).toBe('inactive');
		await insert('identities', { user_id: id, provider: `oidc:${provider.issuer}`, subject: 'gone' });
		const at = browser();
		expect(why(await at.signIn({ sub: 'gone' }))).toBe('inactive');
		expect(at.cookies.has('uhub_session')).toBe(false);
	});

	it('looks for the e-mail at userinfo, of the same person only', async () => {
		const { id, email } = await somebody();
		provider.bend({ userinfo: { email, email_verified: true } });
		const at = browser();
		await at.signIn({ sub: 'elsewhere' });
		expect(await at.me()).toMatchObject({ body: { id } });
		provider.bend({ userinfo: { sub: 'another', email, email_verified: true } });
		expect(why(await browser().signIn({ sub: 'mine' }))).toBe('invalid');
	});
});

describe('7: what does not hold', () => {
	const valid = async () => linked((await somebody()).email);

	it.each<[string, Bent]>([
		['another nonce', { claims: { nonce: 'x' } }],
		['no nonce', { claims: { nonce: undefined } }],
		['another issuer', { claims: { iss: 'https://evil.test' } }],
		['another audience', { claims: { aud: 'other' } }],
		['several audiences and no azp', { claims: { aud: [CLIENT, 'other'] } }],
		['a token that is over', { claims: { exp: Math.floor(Date.now() / 1000) - 120 } }],
		['a token not yet good', { claims: { nbf: Math.floor(Date.now() / 1000) + 120 } }],
		['no subject', { claims: { sub: undefined } }],
		['a forged signature', { forged: true }],
		['no signature', { alg: 'none' }],
		['a refused client', { refuses: 'invalid_client' }],
	])('7: %s', async (_, bent) => {
		const claims = await valid();
		provider.bend(bent);
		const at = browser();
		expect(why(await at.signIn(claims))).toBe('invalid');
		expect(at.cookies.has('uhub_session')).toBe(false);
		provider.bend({});
		expect((await browser().signIn(claims)).to).toBe('/');
	});

	it('7: a state of another browser, none, or one that was made up', async () => {
		const claims = await valid();
		const mine = browser();
		const brought = provider.grant(await mine.start(), claims);
		// Another's browser, which began one too: signing somebody in as somebody else.
		const other = browser();
		await other.start();
		expect(why(await other.back(brought))).toBe('invalid');
		expect(why(await browser().back(brought))).toBe('expired');
		const forger = browser();
		forger.cookies.set('uhub_oidc', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
		expect(why(await forger.back(brought))).toBe('expired');
		// A cookie that was sealed for something else opens nothing.
		const text = JSON.stringify({
			state: 'x',
			nonce: 'x',
			verifier: 'x',
			next: '/',
			expires_at: new Date().toISOString(),
		});
		forger.cookies.set('uhub_oidc', await sealerOf(env.UHUB_SECRET).seal('cookie', 'uhub_pending', text));
		expect(why(await forger.back(brought))).toBe('expired');
		for (const gone of ['code', 'state', 'iss']) {
			const at = browser();
			const less = provider.grant(await at.start(), claims);
			less.delete(gone);
			expect(why(await at.back(less)), gone).toBe('invalid');
		}
		const at = browser();
		const wrong = provider.grant(await at.start(), claims);
		wrong.set('iss', 'https://evil.test');
		expect(why(await at.back(wrong))).toBe('invalid');
	});

	it('7: the same answer a second time, with the cookie that was kept', async () => {
		const at = browser();
		const claims = await valid();
		const brought = provider.grant(await at.start(), claims);
		const kept = at.cookies.get('uhub_oidc') ?? '';
		expect((await at.back(brought)).to).toBe('/');
		expect(why(await at.back(brought))).toBe('expired');
		at.cookies.set('uhub_oidc', kept);
		expect(why(await at.back(brought))).toBe('expired');
		// Also where the provider would take a code of this flow again.
		const nonce = new URL(await browser().start()).searchParams.get('nonce');
		expect(nonce).not.toBeNull();
		const flow = JSON.parse((await sealerOf(env.UHUB_SECRET).open('cookie', 'uhub_oidc', kept)) ?? '') as {
			nonce: string;
			verifier: string;
			state: string;
		};
		const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(flow.verifier)));
		const address = new URL(`${provider.issuer}/authorize`);
		address.search = new URLSearchParams({
			nonce: flow.nonce,
			state: flow.state,
			redirect_uri: `${ORIGIN}/api/auth/oidc/callback`,
			code_challenge: btoa(String.fromCharCode(...hash))
				.replace(/\+/g, '-')
				.replace(/\//g, '_')
				.replace(/=+$/, ''),
		}).toString();
		at.cookies.set('uhub_oidc', kept);
		expect(why(await at.back(provider.grant(address.href, claims)))).toBe('expired');
	});

	it('7: ends the session it came with, and makes a new one', async () => {
		const { email } = await somebody();
		const at = browser();
		const claims = linked(email);
		await at.signIn(claims);
		const first = at.cookies.get('uhub_session') ?? '';
		await at.signIn(claims);
		expect(at.cookies.get('uhub_session')).not.toBe(first);
		expect((await caller(`uhub_session=${first}`)('GET', '/api/auth/me')).status).toBe(401);
	});

	it('what the provider refuses is told apart, and never as a fault', async () => {
		const at = browser();
		const state = async () => new URL(await at.start()).searchParams.get('state') ?? '';
		const error = async (error: string) =>
			at.back(
				new URLSearchParams({ error, error_description: '<script>', state: await state(), iss: provider.issuer }),
			);
		const denied = await error('access_denied');
		expect(why(denied)).toBe('denied');
		expect(denied.to).not.toContain('script');
		expect(why(await error('server_error'))).toBe('invalid');
	});
});

describe('roles from claims', () => {
	it('follow the groups at every sign-in, audited', async () => {
		const { id, email } = await somebody();
		const claims = linked(email);
		const signIn = async (groups: string[] | undefined, more: SignInEnv = {}) => {
			const at = browser({ ...GROUPS, ...more });
			const refusal = why(await at.signIn({ ...claims, groups }));
			return refusal ?? (await at.me()).body.role;
		};
		expect(await signIn(['everybody', 'operators'])).toBe('ops');
		expect(await signIn(['everybody', 'admins'])).toBe('admin');
		expect(await signIn(['everybody'])).toBe('dev');
		expect(await signIn([])).toBe('no_role');
		expect(await signIn(undefined)).toBe('no_role');
		expect(await signIn([], { UHUB_OIDC_DEFAULT_ROLE: 'projets' })).toBe('projets');
		const changes = await auditOf(id, 'user.update');
		expect(changes.map(({ metadata }) => metadata.changes)).toEqual([
			{ role: { from: 'dev', to: 'projets' } },
			{ role: { from: 'admin', to: 'dev' } },
			{ role: { from: 'ops', to: 'admin' } },
			{ role: { from: 'dev', to: 'ops' } },
		]);
		// Without a mapping the hub's own role stays.
		const at = browser({ UHUB_OIDC_DEFAULT_ROLE: 'ops' });
		await at.signIn(claims);
		expect(await at.me()).toMatchObject({ body: { role: 'projets', version: 5 } });
	});

	it('never take the last admin away', async () => {
		const { results } = await env.DB.prepare("select id from users where role = 'admin'").all<{ id: number }>();
		await env.DB.exec("update users set role = 'ops' where role = 'admin'");
		try {
			const { id, email } = await somebody({ role: 'admin' });
			const claims = { ...linked(email), groups: ['everybody'] };
			const at = browser(GROUPS);
			await at.signIn(claims);
			expect(await at.me()).toMatchObject({ body: { id, role: 'admin' } });
			await person('admin');
			await browser(GROUPS).signIn(claims);
			expect(await at.me()).toMatchObject({ body: { id, role: 'dev' } });
		} finally {
			for (const { id } of results) await env.DB.prepare("update users set role = 'admin' where id = ?").bind(id).run();
		}
	});
});

describe('people nobody knows', () => {
	it('become users only where the operator says so, with a name of their own', async () => {
		const claims = {
			sub: 'new',
			email: 'New.Person@example.org',
			email_verified: true,
			name: 'New Person',
			locale: 'fr-FR',
		};
		expect(why(await browser(GROUPS).signIn({ ...claims, groups: ['operators'] }))).toBe('unknown');
		const create = { ...GROUPS, UHUB_OIDC_CREATE: '1' };
		expect(why(await browser(create).signIn(claims))).toBe('no_role');

		const at = browser(create);
		await at.signIn({ ...claims, groups: ['operators'] });
		const { body } = await at.me();
		expect(body).toMatchObject({
			username: 'new.person',
			email: 'new.person@example.org',
			display_name: 'New Person',
			role: 'ops',
			locale: 'fr',
		});
		expect(await auditOf(body.id as number, 'user.create')).toHaveLength(1);
		// The same person again is the same user; another of that name is another.
		const again = browser(create);
		await again.signIn({ ...claims, groups: ['operators'] });
		expect((await again.me()).body.id).toBe(body.id);
		const other = browser(create);
		await other.signIn({ sub: 'other', preferred_username: 'new.person', email: 'x', groups: ['everybody'] });
		expect(await other.me()).toMatchObject({ body: { username: 'new.person-2', email: null, role: 'dev' } });
	});

	it('twice at once are one', async () => {
		const settings = { UHUB_OIDC_CREATE: '1', UHUB_OIDC_DEFAULT_ROLE: 'dev' };
		const claims = { sub: fresh('s'), preferred_username: fresh('racer') };
		const answers = await Promise.all(Array.from({ length: 4 }, () => browser(settings).signIn(claims)));
		expect(answers.map(({ to }) => to)).toEqual(['/', '/', '/', '/']);
		const count = env.DB.prepare('select count(*) as n from users where username like ?').bind(
			`${claims.preferred_username}%`,
		);
		expect(await count.first('n')).toBe(1);
	});
});

describe('the ways in', () => {
	it('are told to anybody, without more than is needed', async () => {
		const methods = async (settings: SignInEnv) => {
			const execution = createExecutionContext();
			const response = await app.fetch(new Request(`${ORIGIN}/api/auth/methods`), { ...env, ...settings }, execution);
			return response.json();
		};
		expect(await methods({})).toEqual({ passwords: 'all', oidc: null });
		expect(
			await methods({
				UHUB_OIDC_ISSUER: provider.issuer,
				UHUB_OIDC_CLIENT_ID: CLIENT,
				UHUB_OIDC_CLIENT_SECRET: 'secret',
				UHUB_OIDC_LABEL: 'Example SSO',
				UHUB_PASSWORD_SIGN_IN: 'admins',
			}),
		).toEqual({ passwords: 'admins', oidc: { label: 'Example SSO' } });
	});
});
