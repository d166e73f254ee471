import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { TokenScope, TOKENS_MAX } from '#domain/token.ts';
import { tidy } from '#worker/services/hub/tidy.ts';
import { listProjects } from '#worker/services/projects/list.ts';
import { hashOf } from '#worker/services/secrets.ts';
import {
	type Answer,
	type Call,
	type Caller,
	caller,
	ctxFor,
	fresh,
	idOf,
	insert,
	nobody,
	ORIGIN,
	person,
	project,
} from './api-world.ts';
import { queuedRun, TestSocket } from './live-world.ts';

let admin: Caller, dev: Caller;
let p: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'contribute']]);
});

const DAY_MS = 86_400_000;
const make = (who: Caller, scopes: string[] = ['read'], more: object = {}) =>
	who.ok('POST', '/api/tokens', { name: fresh('token '), scopes, ...more });
const at = (row: Answer['body']) => ({ 'if-match': `"v${String(row.version)}"` });
const pathOf = (row: Answer['body']) => `/api/tokens/${String(idOf(row))}`;
const authorization = (token: unknown) => ({ authorization: `Bearer ${String(token)}` });
/** A program with this token, and no cookie. */
const program =
	(token: unknown): Call =>
	(method, path, options = {}) =>
		nobody(method, path, { ...options, headers: { ...authorization(token), ...options.headers } });
const revoke = (who: Caller, row: Answer['body']) => who.call('DELETE', pathOf(row), { headers: at(row) });
const rowOf = (row: Answer['body']) =>
	env.DB.prepare('select * from api_tokens where id = ?').bind(idOf(row)).first<Record<string, unknown>>();

describe('API tokens', () => {
	it('are shown once, found by scanners, and kept as a hash', async () => {
		const { token, ...made } = await make(dev, ['read', 'run'], { name: '  deploys ' });
		expect(token).toMatch(/^uhub_[\w-]{43}$/);
		expect(made).toMatchObject({
			user_id: dev.id,
			name: 'deploys',
			scopes: ['read', 'run'],
			last_used_at: null,
			version: 1,
		});
		expect(Math.round((Date.parse(String(made.expires_at)) - Date.now()) / DAY_MS)).toBe(90);
		expect(await rowOf(made)).toMatchObject({ hash: await hashOf(String(token)) });
		expect(JSON.stringify(await rowOf(made))).not.toContain(token);

		const read = await dev.call('GET', pathOf(made));
		expect(read.body).toEqual(made);
		expect(read.headers.get('etag')).toBe('"v1"');
		const { items } = await dev.ok('GET', '/api/tokens?q=DEPLOYS');
		expect(items).toEqual([made]);
		const audit = await admin.ok('GET', '/api/audit?action=token.create');
		expect(audit.items).toContainEqual(
			expect.objectContaining({
				object_type: 'ApiToken',
				object_id: idOf(made),
				metadata: { name: 'deploys', scopes: ['read', 'run'], expires_at: made.expires_at },
			}),
		);
		expect(JSON.stringify(audit)).not.toContain(token);
	});

	it('are refused with the field that is wrong, and nothing is made', async () => {
		const before = await dev.ok('GET', '/api/tokens');
		const later = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();
		const cases: [object, string][] = [
			[{ scopes: ['read'] }, 'name'],
			[{ name: ' ', scopes: ['read'] }, 'name'],
			[{ name: 'a\u202eb', scopes: ['read'] }, 'name'],
			[{ name: 'x'.repeat(81), scopes: ['read'] }, 'name'],
			[{ name: 'x', scopes: [] }, 'scopes'],
			[{ name: 'x' }, 'scopes'],
			[{ name: 'x', scopes: ['root'] }, 'scopes.0'],
			[{ name: 'x', scopes: ['read', 'read'] }, 'scopes'],
			[{ name: 'x', scopes: ['admin'] }, 'scopes'],
			[{ name: 'x', scopes: ['read'], expires_at: later(-1) }, 'expires_at'],
			[{ name: 'x', scopes: ['read'], expires_at: later(367) }, 'expires_at'],
			[{ name: 'x', scopes: ['read'], expires_at: 'tomorrow' }, 'expires_at'],
			[{ name: 'x', scopes: ['read'], user_id: admin.id }, ''],
			[{ name: 'x', scopes: ['read'], token: 'uhub_mine' }, ''],
		];
		for (const [body, field] of cases)
			expect(await dev.call('POST', '/api/tokens', { body }), JSON.stringify(body)).toMatchObject({
				status: 400,
				body: { code: 'invalid', errors: [{ path: field }] },
			});
		expect(await dev.ok('GET', '/api/tokens')).toEqual(before);
	});

	it('are at most fifty for each person, also when made at once', async () => {
		const who = await person('dev');
		for (let i = 0; i < TOKENS_MAX - 2; i++)
			await insert('api_tokens', { user_id: who.id, name: 'x', scopes: '[]', hash: fresh('h'), expires_at: 1 });
		const body = { name: 'one more', scopes: ['read'] };
		const answers = await Promise.all(Array.from({ length: 6 }, () => who.call('POST', '/api/tokens', { body })));
		expect(answers.filter((a) => a.status === 201)).toHaveLength(2);
		expect(answers.filter((a) => a.status === 409)).toHaveLength(4);
		const { items } = await who.ok('GET', '/api/tokens?limit=200');
		expect(items).toHaveLength(TOKENS_MAX);
	});

	it('are renamed and revoked by the version that was read, and nothing else of them changes', async () => {
		const token = await make(dev);
		const path = pathOf(token);
		expect((await dev.call('PATCH', path, { body: { name: 'x' } })).status).toBe(428);
		for (const body of [{ scopes: ['write'] }, { expires_at: '2099-01-01T00:00:00Z' }, { user_id: admin.id }])
			expect((await dev.call('PATCH', path, { body, headers: at(token) })).status).toBe(400);
		const renamed = await dev.ok('PATCH', path, { name: 'nightly' }, at(token));
		expect(renamed).toMatchObject({ name: 'nightly', version: 2 });
		expect(await dev.call('DELETE', path, { headers: at(token) })).toMatchObject({
			status: 412,
			body: { current: { name: 'nightly' }, changed: [{ field: 'name', by_id: dev.id }] },
		});
		expect((await program(token.token)('GET', '/api/projects')).status).toBe(200);
		expect((await revoke(dev, renamed)).status).toBe(204);
		expect((await program(token.token)('GET', '/api/projects')).status).toBe(401);
		expect((await revoke(dev, renamed)).status).toBe(404);
	});

	it('of others are for admins to see and revoke, and nobody else', async () => {
		const token = await make(dev);
		const other = await person('ops');
		expect((await other.call('GET', pathOf(token))).status).toBe(404);
		expect((await revoke(other, token)).status).toBe(404);
		expect(await other.call('GET', `/api/tokens?user_id=${String(dev.id)}`)).toMatchObject({
			status: 403,
			body: { detail: expect.stringContaining('token.of_others') as string },
		});
		expect((await dev.call('GET', `/api/tokens?user_id=${String(dev.id)}`)).status).toBe(200);
		const { items } = await admin.ok('GET', `/api/tokens?user_id=${String(dev.id)}&sort=name&limit=1`);
		expect(items).toHaveLength(1);
		const all = (await admin.ok('GET', '/api/tokens?user_id=all&limit=200')).items as { user_id: number }[];
		expect(all.some(({ user_id }) => user_id === dev.id)).toBe(true);
		expect((await dev.call('GET', '/api/tokens?user_id=all')).status).toBe(403);
		expect((await revoke(admin, token)).status).toBe(204);
		expect((await program(token.token)('GET', '/api/projects')).status).toBe(401);
	});

	it('note when they were used, once a minute', async () => {
		const made = await make(dev);
		const credential = { kind: 'token', hash: await hashOf(String(made.token)) } as const;
		const start = Date.now();
		let writes = 0;
		const useAt = async (ms: number) => {
			const work: Promise<unknown>[] = [];
			const ctx = ctxFor(credential, { now: () => start + ms, after: (it) => work.push(Promise.resolve(it)) });
			await listProjects(ctx, { limit: 1, sort: 'name' });
			writes += work.length;
			await Promise.all(work);
			return (await rowOf(made))?.last_used_at;
		};
		expect(await useAt(0)).toBe(start);
		expect(await useAt(59_999)).toBe(start);
		expect(writes).toBe(1);
		expect(await useAt(60_000)).toBe(start + 60_000);
		// Of an older request that comes late.
		expect(await useAt(30_000)).toBe(start + 60_000);
		expect(writes).toBe(2);
		expect(await dev.ok('GET', pathOf(made))).toMatchObject({
			last_used_at: new Date(start + 60_000).toISOString(),
			version: 1,
		});
	});

	it('are audited as what they are, with their person', async () => {
		const made = await make(dev, ['write']);
		const job = await program(made.token)('POST', `/api/projects/${String(p)}/jobs`, {
			body: { title: 'by token', job_type: 'dev' },
		});
		expect(job).toMatchObject({ status: 201, body: { owner_id: dev.id } });
		const { items } = await admin.ok('GET', '/api/audit?action=job.create');
		expect(items).toContainEqual(
			expect.objectContaining({
				object_id: idOf(job.body),
				user_id: dev.id,
				actor_kind: 'token',
				actor_id: idOf(made),
			}),
		);
	});

	it('that are over are kept for a month, to be seen, and then removed', async () => {
		const over = (days: number) =>
			insert('api_tokens', {
				user_id: dev.id,
				name: 'old',
				scopes: '["read"]',
				hash: fresh('h'),
				expires_at: Date.now() - days * DAY_MS,
			});
		const [seen, gone] = [await over(29), await over(31)];
		await tidy(ctxFor({ kind: 'none' }));
		expect((await dev.call('GET', `/api/tokens/${String(seen)}`)).status).toBe(200);
		expect((await dev.call('GET', `/api/tokens/${String(gone)}`)).status).toBe(404);
	});
});

describe('11: a token is good for its scopes, within the rights of its person', () => {
	it('11: and names the one that is missing', async () => {
		const job = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, { title: 'j', job_type: 'ops' });
		const start = `/api/jobs/${String(idOf(job))}/runs`;
		const asked: [scope: string, method: string, path: string, body?: object][] = [
			['read', 'GET', '/api/projects'],
			['read', 'GET', `/api/projects/${String(p)}`],
			['read', 'GET', '/api/auth/me'],
			['read', 'GET', `/api/calendar/state?project_id=${String(p)}&at=2026-01-01T00:00:00Z`],
			['write', 'POST', `/api/projects/${String(p)}/jobs`, { title: 'x', job_type: 'ops' }],
			['run', 'POST', start, {}],
			['admin', 'GET', '/api/audit'],
			['admin', 'POST', '/api/groups', { name: fresh('g') }],
			['admin', 'GET', '/api/export'],
		];
		for (const scope of TokenScope.options) {
			const call = program((await make(admin, [scope])).token);
			for (const [needed, method, path, body] of asked) {
				const answer = await call(method, path, body && { body });
				// The job has no scripts: a 409 that only who may run it gets.
				const expected = needed !== scope ? 403 : path === start ? 409 : method === 'GET' ? 200 : 201;
				expect(answer.status, `${scope}: ${method} ${path}`).toBe(expected);
				if (expected === 403) expect(answer.body.detail).toContain(`scope ${needed}`);
			}
		}
	});

	it('11: all scopes together give a dev no more than a dev has', async () => {
		const scopes = TokenScope.options.filter((scope) => scope !== 'admin');
		const call = program((await make(dev, scopes)).token);
		const hidden = await project(admin);
		expect((await call('GET', `/api/projects/${String(hidden)}`)).status).toBe(404);
		expect((await call('POST', '/api/projects', { body: { name: 'x' } })).status).toBe(403);
		expect((await call('GET', '/api/audit')).status).toBe(403);
		const { items } = (await call('GET', '/api/projects?limit=200')).body as { items: { id: number }[] };
		expect(items.map(({ id }) => id)).not.toContain(hidden);
	});

	it('11: an admin’s token loses with its person what an admin has', async () => {
		const leaver = await person('admin');
		const call = program((await make(leaver, ['admin', 'read'])).token);
		expect((await call('GET', '/api/audit')).status).toBe(200);
		await env.DB.prepare("update users set role = 'dev' where id = ?").bind(leaver.id).run();
		expect((await call('GET', '/api/audit')).status).toBe(403);
		expect((await call('GET', '/api/projects')).status).toBe(200);
	});

	it('11: an admin’s token that may only read learns no addresses by searching for them', async () => {
		const email = `${fresh('needle')}@example.org`;
		await person('dev', { email });
		const search = async (call: Call) => (await call('GET', `/api/users?q=${email}`)).body.items;
		expect(await search(admin.call)).toHaveLength(1);
		expect(await search(program((await make(admin, ['read'])).token))).toEqual([]);
		const both = await make(admin, ['read', 'admin']);
		expect(await search(program(both.token))).toHaveLength(1);
	});

	it('11: nothing that is the person’s own is done with a token: sessions, second factor, password, tokens', async () => {
		const made = await make(admin, [...TokenScope.options]);
		const call = program(made.token);
		const { paths } = (await nobody('GET', '/api/openapi.json')).body as {
			paths: Record<string, Record<string, { operationId: string }>>;
		};
		const own = Object.entries(paths).flatMap(([path, methods]) =>
			Object.entries(methods)
				.filter(([, { operationId }]) => /^(session|second_factor|token|me)\./.test(operationId))
				.map(([method, { operationId }]) => ({ path, method: method.toUpperCase(), operationId })),
		);
		const bodies: Record<string, object> = {
			'me.email_confirm': { token: 'x'.repeat(40) },
			'me.webhook': { url: 'https://hooks.example.com/mine' },
			'me.password': { current_password: 'x', password: 'long enough to be one' },
			'token.create': { name: 'x', scopes: ['read'] },
			'second_factor.confirm': { code: '123456' },
			'second_factor.renew': { code: '123456' },
			'second_factor.disable': { code: '123456' },
		};
		const open = [
			'me.read',
			'session.create',
			'session.delete',
			'session.confirm',
			'session.oidc_start',
			'session.oidc_callback',
		];
		const asked = own.filter(({ operationId }) => !open.includes(operationId));
		expect(asked.length).toBeGreaterThan(13);
		for (const { path, method, operationId } of asked) {
			const body = method === 'POST' || method === 'PATCH' ? (bodies[operationId] ?? {}) : undefined;
			const answer = await call(method, path.replace('{id}', String(idOf(made))), {
				headers: at(made),
				...(body && { body }),
			});
			expect(answer, `${operationId} ${JSON.stringify(answer.body)}`).toMatchObject({
				status: 403,
				body: { detail: expect.stringContaining('not for a token') as string },
			});
		}
	});

	it('11: a token ends by itself when its program signs out, whatever its scopes, and no other with it', async () => {
		const [made, other] = [await make(dev, ['metrics']), await make(dev)];
		expect((await program(made.token)('POST', '/api/auth/logout')).status).toBe(204);
		expect((await program(made.token)('POST', '/api/auth/logout')).status).toBe(401);
		expect((await dev.call('GET', pathOf(made))).status).toBe(404);
		expect((await program(other.token)('GET', '/api/projects')).status).toBe(200);
		expect((await dev.call('GET', '/api/auth/me')).status).toBe(200);
		const { items } = await admin.ok('GET', `/api/audit?action=token.delete&user_id=${String(dev.id)}`);
		expect(items).toContainEqual(
			expect.objectContaining({ object_id: idOf(made), actor_kind: 'token', actor_id: idOf(made) }),
		);
	});

	it('11: expired, revoked, malformed, none: one and the same answer, whatever cookie comes along', async () => {
		const [good, expired, revoked] = [await make(dev), await make(dev), await make(dev)];
		await env.DB.prepare('update api_tokens set expires_at = ? where id = ?').bind(Date.now(), idOf(expired)).run();
		await revoke(dev, revoked);
		const text = String(good.token);
		const wrong = [
			expired.token,
			revoked.token,
			text.slice(0, -1),
			`${text}x`,
			text.replace('uhub_', ''),
			text.toUpperCase(),
			`${text} ${text}`,
			'',
			'x'.repeat(5000),
			"' or 1=1 --",
			(await rowOf(good))?.hash,
			dev.cookie.split('=')[1],
		];
		const answers = [];
		for (const token of wrong)
			for (const call of [nobody, dev.call])
				answers.push(await call('GET', '/api/projects', { headers: authorization(token) }));
		for (const answer of answers) {
			expect(answer.status).toBe(401);
			expect(answer.headers.get('www-authenticate')).toBe('Bearer');
			expect({ ...answer.body, request_id: '' }).toEqual({ ...answers[0]?.body, request_id: '' });
		}
		for (const header of [`bearer ${text}`, `BEARER  ${text}`])
			expect((await nobody('GET', '/api/projects', { headers: { authorization: header } })).status).toBe(200);
		// What a proxy before the hub asks for is not the hub's.
		expect((await dev.call('GET', '/api/projects', { headers: { authorization: 'Basic eDp5' } })).status).toBe(200);
		expect((await caller(`uhub_session=${text}`)('GET', '/api/projects')).status).toBe(401);
	});

	it('9: what is no token is counted for its address; one that is good passes all the same', async () => {
		const made = await make(dev);
		const from = { 'cf-connecting-ip': '203.0.113.99' };
		const ask = (token: unknown) => nobody('GET', '/api/projects', { headers: { ...authorization(token), ...from } });
		const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => ask(`uhub_${String(i)}`)));
		expect(answers.filter((a) => a.status === 401)).toHaveLength(60);
		expect(answers.filter((a) => a.status === 429)).toHaveLength(4);
		const limited = await ask('uhub_more');
		expect(limited).toMatchObject({ status: 429, body: { code: 'too_many' } });
		expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
		expect((await ask(made.token)).status).toBe(200);
		expect((await nobody('GET', '/api/projects', { headers: authorization('x') })).status).toBe(401);
	});

	it('5: no page can send a token by itself, so it needs no Origin; a cookie beside it still counts for nothing', async () => {
		const made = await make(admin, ['admin']);
		const body = () => ({ name: fresh('made by token ') });
		for (const headers of [{}, { origin: 'http://elsewhere.test' }, { cookie: dev.cookie }])
			expect(
				(await program(made.token)('POST', '/api/groups', { body: body(), headers })).status,
				JSON.stringify(headers),
			).toBe(201);
		const stale = await nobody('POST', '/api/groups', {
			body: body(),
			headers: { ...authorization('uhub_x'), cookie: admin.cookie, origin: 'http://evil.test' },
		});
		expect(stale.status).toBe(401);
	});
});

describe('4: tokens and who is no longer one of us', () => {
	it('4: deactivated, a person has no token any more, not even when they come back', async () => {
		const leaver = await person('dev');
		const made = await make(leaver);
		const patch = async (is_active: boolean) => {
			const path = `/api/users/${String(leaver.id)}`;
			await admin.ok('PATCH', path, { is_active }, at(await admin.ok('GET', path)));
		};
		expect((await program(made.token)('GET', '/api/projects')).status).toBe(200);
		await patch(false);
		expect((await program(made.token)('GET', '/api/projects')).status).toBe(401);
		await patch(true);
		expect((await program(made.token)('GET', '/api/projects')).status).toBe(401);
		expect(await rowOf(made)).toBeNull();
	});

	it('4: the sockets of a token close when it is revoked, or has expired, or its person leaves, and no others', async () => {
		const who = await person('dev');
		const room = await project(admin, [[who, 'read']]);
		const run = await queuedRun(admin, room);
		const open = async (headers: Record<string, string>) => {
			const sockets = [
				await TestSocket.open(`/live/projects/${String(room)}`, headers),
				await TestSocket.open(`/live/runs/${String(run)}`, headers),
			];
			await expect.poll(() => sockets[1]?.messages.length).toBeGreaterThan(0);
			return sockets;
		};
		const out = async (sockets: TestSocket[]) => {
			for (const socket of sockets) await expect.poll(() => socket.closed?.code, { timeout: 5_000 }).toBe(4401);
		};
		const [first, second] = [await make(who), await make(who)];
		const [revoked, left, page] = [
			await open(authorization(first.token)),
			await open(authorization(second.token)),
			await open({ cookie: who.cookie, origin: ORIGIN }),
		];
		await revoke(who, first);
		await out(revoked);
		expect([...left, ...page].map((s) => s.closed)).toEqual([null, null, null, null]);

		const soon = await make(who);
		await env.DB.prepare('update api_tokens set expires_at = ? where id = ?')
			.bind(Date.now() + 1_200, idOf(soon))
			.run();
		await out(await open(authorization(soon.token)));
		expect(page.map((s) => s.closed)).toEqual([null, null]);

		const path = `/api/users/${String(who.id)}`;
		await admin.ok('PATCH', path, { is_active: false }, at(await admin.ok('GET', path)));
		await out([...left, ...page]);
	});

	it('6, 11: a socket needs a token that may read, and then no Origin; a bad one is refused before the handshake', async () => {
		const path = `/live/projects/${String(p)}`;
		const ask = async (headers: Record<string, string>) =>
			(await nobody('GET', path, { headers: { upgrade: 'websocket', ...headers } })).status;
		expect(await ask(authorization((await make(dev, ['write'])).token))).toBe(403);
		expect(await ask(authorization('uhub_x'))).toBe(401);
		expect(await ask({ ...authorization('uhub_x'), cookie: dev.cookie, origin: ORIGIN })).toBe(401);
		expect(await ask({ cookie: dev.cookie })).toBe(403);
	});
});
