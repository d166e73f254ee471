import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import {
	type Answer,
	type Caller,
	caller,
	fresh,
	idOf,
	insert,
	nobody,
	person,
	project,
	session,
} from './api-world.ts';

let admin: Caller, dev: Caller;
let address = 0;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
});

const at = (row: Answer['body']) => ({ 'if-match': `"v${String(row.version)}"` });
const made = (fields: object = {}) =>
	admin.ok('POST', '/api/users', { username: fresh('user'), role: 'dev', ...fields });
const patch = (row: Answer['body'], body: object, who = admin) =>
	who.call('PATCH', `/api/users/${String(row.id)}`, { body, headers: at(row) });
const login = (username: unknown, password: unknown) =>
	nobody('POST', '/api/auth/login', {
		body: { username, password },
		headers: { 'cf-connecting-ip': `203.0.113.${String(++address)}` },
	});
const audited = async (action: string, id: number) =>
	((await admin.ok('GET', `/api/audit?action=${action}&object_type=User&object_id=${String(id)}`)).items as object[])
		.length;
const activeAdmins = async () =>
	env.DB.prepare("select count(*) n from users where role = 'admin' and is_active = 1").first<number>('n');

describe('people', () => {
	it('are made with a password that is shown once, and works', async () => {
		const user = await made({ display_name: 'New One', email: 'New.One@Example.org' });
		expect(user).toMatchObject({ role: 'dev', is_active: true, theme: 'dark', email: 'new.one@example.org' });
		expect(String(user.generated_password)).toMatch(/^[\w-]{20}$/);
		expect((await login(user.username, user.generated_password)).status).toBe(200);
		const read = await admin.ok('GET', `/api/users/${String(user.id)}`);
		expect(JSON.stringify(read)).not.toMatch(/password|hash/);
		expect(await audited('user.create', idOf(user))).toBe(1);
		expect(JSON.stringify(await admin.ok('GET', '/api/audit'))).not.toContain(String(user.generated_password));
	});

	it('are made with a password that was given, which is not told again, also not to a repeated request', async () => {
		const body = { username: fresh('user'), role: 'ops', password: 'a long enough one' };
		const headers = { 'idempotency-key': crypto.randomUUID() };
		const first = await admin.call('POST', '/api/users', { body, headers });
		expect(first).toMatchObject({ status: 201, body: { generated_password: null } });
		expect((await login(body.username, body.password)).status).toBe(200);
		expect(await admin.call('POST', '/api/users', { body, headers })).toMatchObject({
			status: 409,
			body: { errors: [{ path: 'username' }] },
		});
		const kept = await env.DB.prepare('select count(*) n from idempotency_keys where key = ?')
			.bind(headers['idempotency-key'])
			.first('n');
		expect(kept).toBe(0);
	});

	it.each([
		['username', { username: 'No Spaces' }],
		['username', { username: 'x' }],
		['role', { role: 'root' }],
		['email', { email: 'nobody' }],
		['password', { password: 'short' }],
		['display_name', { display_name: 'a\u202eb' }],
		['theme', { theme: 'pink' }],
		['', { version: 3 }],
		['', { password_hash: 'x' }],
	])('15, 25: a %s that is none is refused and makes nobody', async (path, wrong) => {
		const count = () => env.DB.prepare('select count(*) n from users').first('n');
		const before = await count();
		const answer = await admin.call('POST', '/api/users', { body: { username: fresh('u'), role: 'dev', ...wrong } });
		expect(answer).toMatchObject({ status: 400, body: { code: 'invalid', errors: [{ path }] } });
		expect(await count()).toBe(before);
	});

	it('are listed whole to admins, by name only to others, who can neither filter nor search what they may not see', async () => {
		const tag = fresh('needle');
		const hidden = await made({ username: tag, email: `${tag}@secret.test`, role: 'ops' });
		await patch(hidden, { is_active: false });
		const list = async (who: Caller, query: string) => (await who.ok('GET', `/api/users?${query}`)).items as object[];
		expect(await list(admin, `q=${tag}@secret`)).toMatchObject([{ email: `${tag}@secret.test`, is_active: false }]);
		expect(await list(admin, `q=${tag}&role=ops&is_active=false&sort=-created_at`)).toHaveLength(1);
		expect(await list(admin, `q=${tag}&is_active=true`)).toHaveLength(0);
		expect(await list(dev, `q=${tag}@secret`)).toEqual([]);
		expect(await list(dev, `q=${tag}`)).toEqual([{ id: hidden.id, username: tag, display_name: null }]);
		for (const query of ['role=ops', 'is_active=false', 'sort=role', 'sort=-created_at'])
			expect(await dev.call('GET', `/api/users?${query}`), query).toMatchObject({ status: 403 });
	});

	it('page by keyset in every order', async () => {
		for (const sort of ['username', '-username', 'role', '-role', 'created_at', '-created_at']) {
			const seen: unknown[] = [];
			for (let cursor: unknown = ''; cursor !== null;) {
				const page = await admin.ok(
					'GET',
					`/api/users?limit=3&sort=${sort}${cursor ? `&cursor=${String(cursor)}` : ''}`,
				);
				seen.push(...(page.items as { id: number }[]).map(({ id }) => id));
				cursor = page.next_cursor;
			}
			expect(new Set(seen).size, sort).toBe(seen.length);
			expect(seen.length).toBe(await env.DB.prepare('select count(*) n from users').first('n'));
		}
	});

	it('are edited on the version that was read; the username stays', async () => {
		const user = await made();
		expect(await admin.call('PATCH', `/api/users/${String(user.id)}`, { body: { role: 'ops' } })).toMatchObject({
			status: 428,
		});
		expect(await patch(user, { username: 'other' })).toMatchObject({ status: 400 });
		const body = { role: 'ops', display_name: 'X', email: `${fresh('x')}@x.test`, theme: 'light', locale: 'fr' };
		expect(await patch(user, body)).toMatchObject({
			status: 200,
			body: { ...body, version: 2 },
		});
		expect(await patch(user, { role: 'dev' })).toMatchObject({
			status: 412,
			body: { current: { version: 2 }, changed: expect.arrayContaining([expect.objectContaining({ field: 'role' })]) },
		});
		expect(await patch(await made(), { email: body.email })).toMatchObject({
			status: 409,
			body: { errors: [{ path: 'email' }] },
		});
		expect((await admin.call('GET', '/api/users/2000000000')).status).toBe(404);
	});

	it('4: lose their sessions when deactivated, and cannot sign in until they are active again', async () => {
		const user = await made();
		const mine = caller(await session(idOf(user)));
		expect((await mine('GET', '/api/auth/me')).status).toBe(200);
		const off = await patch(user, { is_active: false });
		expect((await mine('GET', '/api/auth/me')).status).toBe(401);
		expect((await login(user.username, user.generated_password)).status).toBe(401);
		await patch(off.body, { is_active: true });
		// The old session is gone for good.
		expect((await mine('GET', '/api/auth/me')).status).toBe(401);
		expect((await login(user.username, user.generated_password)).status).toBe(200);
	});
});

describe('7: a password an admin gives', () => {
	it('7: takes the place of the old one, ends every session, and opens a locked account', async () => {
		const user = await made();
		const sessions = [caller(await session(idOf(user))), caller(await session(idOf(user)))];
		for (let i = 0; i < 11; i++) await login(user.username, 'wrong');
		expect((await login(user.username, user.generated_password)).status).toBe(429);
		const reset = await admin.ok('POST', `/api/users/${String(user.id)}/password`, {});
		for (const call of sessions) expect((await call('GET', '/api/auth/me')).status).toBe(401);
		expect((await login(user.username, user.generated_password)).status).toBe(401);
		expect((await login(user.username, reset.generated_password)).status).toBe(200);
		expect(await audited('user.password', idOf(user))).toBe(1);
	});

	it('7: leaves open nothing else that led to the account, nor does leaving it', async () => {
		const user = await made();
		const keys = async () => {
			const mine = caller(await session(idOf(user)));
			const token = await mine('POST', '/api/tokens', { body: { name: fresh('token'), scopes: ['read'] } });
			const feed = await mine('POST', '/api/me/feed');
			const { pathname, search } = new URL(String(feed.body.calendar_url));
			return async () => [
				(await nobody('GET', '/api/auth/me', { headers: { authorization: `Bearer ${String(token.body.token)}` } }))
					.status,
				(await nobody('GET', pathname + search)).status,
			];
		};
		const before = await keys();
		expect(await before()).toEqual([200, 200]);
		await admin.ok('POST', `/api/users/${String(user.id)}/password`, {});
		const gone = await before();
		expect(gone[0]).toBe(401);
		expect(gone[1]).toBe(404);
		const later = await keys();
		const off = await patch(user, { is_active: false });
		await patch(off.body, { is_active: true });
		expect(await later()).toEqual(gone);
	});

	it('can be chosen, also for an account that had none', async () => {
		const id = await insert('users', { username: fresh('oidc'), role: 'dev' });
		const { username } = await admin.ok('GET', `/api/users/${String(id)}`);
		expect(await admin.ok('POST', `/api/users/${String(id)}/password`, { password: 'chosen by an admin' })).toEqual({
			id,
			generated_password: null,
		});
		expect((await login(username, 'chosen by an admin')).status).toBe(200);
		const short = await admin.call('POST', `/api/users/${String(id)}/password`, { body: { password: 'short' } });
		expect(short).toMatchObject({ status: 400, body: { errors: [{ path: 'password' }] } });
	});

	it('is not for oneself: that asks for the present one', async () => {
		expect((await admin.call('POST', `/api/users/${String(admin.id)}/password`, { body: {} })).status).toBe(409);
		expect((await admin.call('GET', '/api/auth/me')).status).toBe(200);
	});
});

describe('removing a person', () => {
	it('is for those who left no trace', async () => {
		const user = await made();
		const group = await admin.ok('POST', '/api/groups', { name: fresh('g ') });
		await admin.ok('PUT', `/api/groups/${String(group.id)}/members/${String(user.id)}`, {});
		// Having signed in is no trace.
		await login(user.username, user.generated_password);
		const now = await admin.ok('GET', `/api/users/${String(user.id)}`);
		const gone = await admin.call('DELETE', `/api/users/${String(user.id)}`, { headers: at(now) });
		expect(gone.status, JSON.stringify(gone.body)).toBe(204);
		expect((await admin.call('GET', `/api/users/${String(user.id)}`)).status).toBe(404);
		expect(await audited('user.delete', idOf(user))).toBe(1);
		expect((await login(user.username, user.generated_password)).status).toBe(401);
	});

	it('is refused, saying what names them, for a project, a job, and whatever they did', async () => {
		const owner = await person('projets');
		await project(owner);
		const actor = await person('projets');
		await actor.ok('POST', '/api/projects', { name: fresh('p ') });
		await env.DB.prepare('update projects set owner_id = ? where owner_id = ?').bind(owner.id, actor.id).run();
		for (const [who, column] of [
			[owner, 'projects.owner_id'],
			[actor, 'audit_logs.user_id'],
		] as const) {
			const row = await admin.ok('GET', `/api/users/${String(who.id)}`);
			const answer = await admin.call('DELETE', `/api/users/${String(who.id)}`, { headers: at(row) });
			expect(answer).toMatchObject({
				status: 409,
				body: { code: 'conflict', detail: expect.stringContaining(column) },
			});
			expect((await admin.call('GET', `/api/users/${String(who.id)}`)).status).toBe(200);
		}
	});
});

describe('the last active admin', () => {
	/** Alone for the time of a test: the other admins of this file step back. */
	async function alone(work: (only: Caller) => Promise<void>) {
		const only = await person('admin');
		await env.DB.prepare("update users set is_active = 0 where role = 'admin' and id <> ?").bind(only.id).run();
		try {
			await work(only);
			expect(await activeAdmins()).toBeGreaterThan(0);
		} finally {
			await env.DB.prepare('update users set is_active = 1 where id = ?').bind(admin.id).run();
		}
	}

	it('can be neither demoted, nor deactivated, nor removed', async () => {
		await alone(async (only) => {
			const me = await only.ok('GET', `/api/users/${String(only.id)}`);
			for (const body of [{ role: 'dev' }, { is_active: false }, { role: 'ops', is_active: false }])
				expect(await patch(me, body, only)).toMatchObject({ status: 409, body: { code: 'conflict' } });
			const gone = await only.call('DELETE', `/api/users/${String(only.id)}`, { headers: at(me) });
			expect(gone.status).toBe(409);
			expect(await patch(me, { display_name: 'Still me' }, only)).toMatchObject({ status: 200 });
		});
	});

	it('remains when two demote each other, and when two leave at once', async () => {
		for (const swap of [true, false])
			await alone(async (one) => {
				const two = await person('admin');
				const target = (who: Caller) => (swap ? (who === one ? two : one) : who);
				const rows = new Map(
					await Promise.all(
						[one, two].map(async (who) => [who, await one.ok('GET', `/api/users/${String(target(who).id)}`)] as const),
					),
				);
				const answers = await Promise.all(
					[one, two].map((who) => patch(rows.get(who) ?? {}, swap ? { role: 'dev' } : { is_active: false }, who)),
				);
				expect(answers.filter((a) => a.status === 200)).toHaveLength(1);
				expect(answers.map((a) => a.status).filter((s) => s !== 200)[0]).toBeOneOf([401, 403, 409]);
				expect(await activeAdmins()).toBe(1);
			});
	});
});
