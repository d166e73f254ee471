import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Caller, fresh, idOf, person, project } from './api-world.ts';

let admin: Caller, owner: Caller, dev: Caller;
let p: number;

beforeAll(async () => {
	[admin, owner, dev] = await Promise.all([person('admin'), person('projets'), person('dev')]);
	p = await project(owner);
});

const at = (row: Answer['body']) => ({ 'if-match': `"v${String(row.version)}"` });
const made = (fields: object = {}) => admin.ok('POST', '/api/groups', { name: fresh('group '), ...fields });
const member = (group: Answer['body'], who: { id: number }) =>
	`/api/groups/${String(idOf(group))}/members/${String(who.id)}`;
const reach = (group: Answer['body'], project_id = p) =>
	`/api/projects/${String(project_id)}/groups/${String(idOf(group))}`;

describe('groups', () => {
	it('are made, changed and removed, each on the version that was read', async () => {
		const group = await made({ description: 'Those who build' });
		expect(group).toMatchObject({ description: 'Those who build', members: 0, projects: 0, version: 1 });
		const path = `/api/groups/${String(idOf(group))}`;
		expect((await admin.call('PATCH', path, { body: { name: 'x' } })).status).toBe(428);
		const name = fresh('renamed ');
		expect(await admin.ok('PATCH', path, { name }, at(group))).toMatchObject({ name, version: 2 });
		expect(await admin.call('PATCH', path, { body: { name: 'y' }, headers: at(group) })).toMatchObject({ status: 412 });
		expect(await admin.call('POST', '/api/groups', { body: { name } })).toMatchObject({
			status: 409,
			body: { errors: [{ path: 'name' }] },
		});
		expect(await admin.call('POST', '/api/groups', { body: { name: 'a\u200bb' } })).toMatchObject({ status: 400 });
		expect((await admin.ok('GET', `/api/groups?q=${encodeURIComponent(name)}`)).items).toHaveLength(1);
		const now = await admin.ok('GET', path);
		expect((await admin.call('DELETE', path, { headers: at(now) })).status).toBe(204);
		expect((await admin.call('GET', path)).status).toBe(404);
	});

	it('answer a repeated request as the first', async () => {
		const options = { body: { name: fresh('once ') }, headers: { 'idempotency-key': crypto.randomUUID() } };
		const [first, second] = [
			await admin.call('POST', '/api/groups', options),
			await admin.call('POST', '/api/groups', options),
		];
		expect(second).toMatchObject({ status: 201, body: first.body });
	});

	it('hold people, with what they are in them; put twice is put once', async () => {
		const group = await made();
		expect(await admin.ok('PUT', member(group, dev), { role_in_group: 'lead' })).toMatchObject({
			id: dev.id,
			role_in_group: 'lead',
		});
		await admin.ok('PUT', member(group, dev), { role_in_group: 'lead' });
		expect(await admin.ok('PUT', member(group, dev), {})).toMatchObject({ role_in_group: null });
		const list = await admin.ok('GET', `/api/groups/${String(idOf(group))}/members`);
		expect(list.items).toMatchObject([{ id: dev.id, group_id: group.id, is_active: true }]);
		expect(await admin.ok('GET', `/api/groups/${String(idOf(group))}`)).toMatchObject({ members: 1 });
		const puts = await admin.ok('GET', `/api/audit?action=group_user.put&object_id=${String(idOf(group))}`);
		expect(puts.items).toHaveLength(2);
		expect((await admin.call('DELETE', member(group, dev))).status).toBe(204);
		expect((await admin.call('DELETE', member(group, dev))).status).toBe(404);
		for (const path of [member(group, { id: 999_999 }), member({ id: 999_999 }, dev), `${member(group, dev)}x`])
			expect((await admin.call('PUT', path, { body: {} })).status, path).toBe(404);
		expect((await admin.call('PUT', member(group, dev), { body: { access: 'manage' } })).status).toBe(400);
	});

	it('page their people by keyset', async () => {
		const group = await made();
		const people = await Promise.all(Array.from({ length: 5 }, () => person('dev')));
		for (const one of people) await admin.ok('PUT', member(group, one), {});
		for (const sort of ['username', '-created_at']) {
			const seen: number[] = [];
			for (let cursor: unknown = ''; cursor !== null;) {
				const query = `limit=2&sort=${sort}${cursor ? `&cursor=${String(cursor)}` : ''}`;
				const page = await admin.ok('GET', `/api/groups/${String(idOf(group))}/members?${query}`);
				seen.push(...(page.items as { id: number }[]).map(({ id }) => id));
				cursor = page.next_cursor;
			}
			expect(seen.sort(), sort).toEqual(people.map(({ id }) => id).sort());
		}
	});
});

describe('1: how a group reaches a project', () => {
	it('1: lets its people in as far as it goes, until it is taken away', async () => {
		const group = await made();
		await admin.ok('PUT', member(group, dev), {});
		const see = async () => (await dev.call('GET', `/api/projects/${String(p)}`)).status;
		expect(await see()).toBe(404);
		expect(await owner.ok('PUT', reach(group), { access: 'read' })).toMatchObject({ id: group.id, access: 'read' });
		expect(await dev.ok('GET', `/api/projects/${String(p)}`)).toMatchObject({ access: 'read' });
		await owner.ok('PUT', reach(group), { access: 'contribute' });
		expect(await dev.ok('GET', `/api/projects/${String(p)}`)).toMatchObject({ access: 'contribute' });
		const list = await dev.ok('GET', `/api/projects/${String(p)}/groups?access=contribute`);
		expect(list.items).toMatchObject([{ id: group.id, access: 'contribute', members: 1 }]);

		const row = await admin.ok('GET', `/api/groups/${String(idOf(group))}`);
		expect(await admin.call('DELETE', `/api/groups/${String(idOf(group))}`, { headers: at(row) })).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('1 project') },
		});
		expect((await owner.call('DELETE', reach(group))).status).toBe(204);
		expect((await owner.call('DELETE', reach(group))).status).toBe(404);
		expect(await see()).toBe(404);
	});

	it('1: is not to be changed by somebody of another project, nor found out', async () => {
		const stranger = await person('projets');
		await project(stranger);
		const group = await made();
		for (const [method, body] of [
			['PUT', { access: 'manage' }],
			['DELETE', undefined],
		] as const)
			expect((await stranger.call(method, reach(group), { body })).status).toBe(404);
		expect((await owner.call('PUT', reach(group), { body: { access: 'root' } })).status).toBe(400);
		expect((await owner.call('PUT', reach(group), { body: { access: 'read', project_id: 1 } })).status).toBe(400);
		expect((await owner.call('PUT', reach({ id: 999_999 }), { body: { access: 'read' } })).status).toBe(404);
	});

	it('lets a manager manage, and a dev who manages not', async () => {
		const [manager, group] = [await person('projets'), await made()];
		await admin.ok('PUT', member(group, manager), {});
		await admin.ok('PUT', member(group, dev), {});
		await admin.ok('PUT', reach(group), { access: 'manage' });
		const other = await made();
		expect((await manager.call('PUT', reach(other), { body: { access: 'read' } })).status).toBe(200);
		expect((await dev.call('PUT', reach(other), { body: { access: 'manage' } })).status).toBe(403);
		await admin.ok('DELETE', reach(group));
	});
});
