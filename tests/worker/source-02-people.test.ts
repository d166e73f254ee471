import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Caller, caller, fresh, idOf, nobody, person, project } from './api-world.ts';
import { expectFields, expectRefused, ifMatch } from './source-world.ts';

let admin: Caller, dev: Caller;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
});

const user = (more: object = {}) => admin.ok('POST', '/api/users', { username: fresh('user'), role: 'dev', ...more });
const group = (more: object = {}) => admin.ok('POST', '/api/groups', { name: fresh('group '), ...more });
const members = (of: Answer['body']) => `/api/groups/${String(idOf(of))}/members`;
const put = (of: Answer['body'], who: Answer['body'], body: object = {}) =>
	admin.ok('PUT', `${members(of)}/${String(idOf(who))}`, body);

describe('2.1 User', () => {
	const fields = {
		username: 'str',
		email: 'str?',
		role: ['admin', 'projets', 'dev', 'ops'],
		theme: ['dark', 'light', 'contrast', 'terminal'],
		display_name: 'str?',
		is_active: 'bool',
	} as const;

	it('has every field, every role and every theme; it is dark and active unless told otherwise', async () => {
		expectFields(await user(), fields);
		expect(await user()).toMatchObject({ theme: 'dark', is_active: true, email: null, display_name: null });
		for (const role of fields.role)
			for (const theme of fields.theme) {
				const row = await user({ role, theme, display_name: 'Someone', email: `${fresh('mail')}@example.org` });
				expectFields(row, fields);
				expect(await admin.ok('GET', `/api/users/${String(idOf(row))}`)).toMatchObject({ role, theme });
			}
	});

	it('15: has a name of its own, in lower case, and nothing else passes for one', async () => {
		const { username } = await user();
		expect(await admin.call('POST', '/api/users', { body: { username, role: 'ops' } })).toMatchObject({
			status: 409,
			body: { errors: [{ path: 'username' }] },
		});
		const shouted = String(username).toUpperCase();
		expect((await admin.call('POST', '/api/users', { body: { username: shouted, role: 'ops' } })).status).toBe(409);
		const one = { username: 'someone.new', role: 'dev' };
		await expectRefused(admin, '/api/users', [
			...['', 'a', '-a', 'a b', 'a\u202eb', 'x'.repeat(41)].map(
				(name) => [{ ...one, username: name }, 'username'] as const,
			),
			[{ ...one, email: 'nobody' }, 'email'],
			[{ ...one, role: 'root' }, 'role'],
			[{ ...one, theme: 'pink' }, 'theme'],
			[{ ...one, display_name: 'a\u200bb' }, 'display_name'],
			[{ ...one, password: 'short' }, 'password'],
			[{ ...one, id: 1 }, ''],
		]);
	});

	it('signs in while it is active, chooses its own looks, and keeps its password to itself', async () => {
		const made = await user({ password: 'a long enough password' });
		const login = (n: number) =>
			nobody('POST', '/api/auth/login', {
				body: { username: made.username, password: 'a long enough password' },
				headers: { 'cf-connecting-ip': `203.0.113.${String(n)}` },
			});
		const entered = await login(1);
		expect(entered.status).toBe(200);
		expect(JSON.stringify(entered.body)).not.toMatch(/password|hash/);
		const me = caller(entered.headers.get('set-cookie')?.split(';')[0] ?? '');
		const seen = await me('GET', '/api/auth/me');
		for (const theme of fields.theme) {
			const now = (await me('GET', '/api/auth/me')).body;
			if (now.theme === theme) continue;
			expect(await me('PATCH', '/api/me', { body: { theme }, headers: ifMatch(now) })).toMatchObject({
				status: 200,
				body: { theme },
			});
		}
		expect(
			(await me('PATCH', '/api/me', { body: { role: 'admin' }, headers: ifMatch(seen.body) })).status,
			'nobody makes themselves an admin',
		).toBe(400);
		const at = `/api/users/${String(idOf(made))}`;
		await admin.ok('PATCH', at, { is_active: false }, ifMatch(await admin.ok('GET', at)));
		expect((await login(2)).status).toBe(401);
		expect((await me('GET', '/api/auth/me')).status).toBe(401);
	});
});

describe('2.2 Group', () => {
	it('has every field, and a name of its own', async () => {
		const fields = { name: 'str', description: 'str?' } as const;
		const row = await group({ description: 'Who builds' });
		expectFields(row, fields);
		expectFields(await group(), fields);
		expect(await admin.call('POST', '/api/groups', { body: { name: row.name } })).toMatchObject({
			status: 409,
			body: { errors: [{ path: 'name' }] },
		});
		await expectRefused(admin, '/api/groups', [
			[{ name: '' }, 'name'],
			[{ name: 'x'.repeat(81) }, 'name'],
			[{ name: 'a\u202eb' }, 'name'],
			[{ name: 'x', description: 'a\u0000' }, 'description'],
			[{ name: 'x', members: 3 }, ''],
		]);
	});

	it('GroupUser joins a group and a user, once, with what they are in it', async () => {
		const [one, other, someone] = await Promise.all([group(), group(), user()]);
		const row = await put(one, someone, { role_in_group: 'lead' });
		expect(row).toMatchObject({ id: someone.id, group_id: one.id, role_in_group: 'lead' });
		expectFields(row, { group_id: 'int', role_in_group: 'str?' });
		expect(await put(one, someone)).toMatchObject({ role_in_group: null });
		await put(other, someone);
		for (const of of [one, other]) expect((await admin.ok('GET', members(of))).items).toHaveLength(1);
		const joined = env.DB.prepare('select group_id, user_id from group_users where user_id = ? order by group_id');
		expect((await joined.bind(idOf(someone)).all()).results).toEqual(
			[one, other].map((of) => ({ group_id: of.id, user_id: someone.id })),
		);
		const wrong = await admin.call('PUT', `${members(one)}/${String(idOf(someone))}`, { body: { role_in_group: '' } });
		expect(wrong).toMatchObject({ status: 400, body: { errors: [{ path: 'role_in_group' }] } });
		expect((await admin.call('PUT', `${members(one)}/2000000000`, { body: {} })).status).toBe(404);
	});

	it('ProjectGroup brings its people into a project, as far as it says', async () => {
		const p = await project(admin);
		const one = await group();
		await admin.ok('PUT', `${members(one)}/${String(dev.id)}`, {});
		expect((await dev.call('GET', `/api/projects/${String(p)}`)).status).toBe(404);
		for (const access of ['read', 'contribute', 'operate', 'manage']) {
			const row = await admin.ok('PUT', `/api/projects/${String(p)}/groups/${String(idOf(one))}`, { access });
			expect(row).toMatchObject({ id: one.id, project_id: p, access });
			expect(await dev.ok('GET', `/api/projects/${String(p)}`)).toMatchObject({ access });
		}
	});

	it('stays while it reaches a project, and goes with its members otherwise', async () => {
		const [one, someone] = [await group(), await user()];
		await put(one, someone);
		const p = await project(admin);
		const reach = `/api/projects/${String(p)}/groups/${String(idOf(one))}`;
		await admin.ok('PUT', reach, { access: 'read' });
		const at = `/api/groups/${String(idOf(one))}`;
		const gone = async () => admin.call('DELETE', at, { headers: ifMatch(await admin.ok('GET', at)) });
		expect(await gone()).toMatchObject({ status: 409, body: { detail: expect.stringContaining('project') } });
		await admin.call('DELETE', reach);
		expect((await gone()).status).toBe(204);
		expect(
			await env.DB.prepare('select count(*) n from group_users where group_id = ?').bind(idOf(one)).first('n'),
		).toBe(0);
		expect((await admin.call('GET', `/api/users/${String(idOf(someone))}`)).status).toBe(200);
	});
});
