import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { caller, type Caller, fresh, idOf, insert, ORIGIN, person, project, session } from './api-world.ts';
import { queuedRun, TestSocket, Viewer } from './live-world.ts';

// Sockets in which nothing is said: who may no longer see a thing is out of them all the same, at once.

let admin: Caller, dev: Caller, ops: Caller;
let p: number, run: number, group: number;

beforeEach(async () => {
	[admin, dev, ops] = await Promise.all([person('admin'), person('dev'), person('ops')]);
	p = await project(admin, [[ops, 'operate']]);
	group = await insert('groups', { name: fresh('team ') });
	await insert('group_users', { group_id: group, user_id: dev.id });
	await insert('project_groups', { project_id: p, group_id: group, access: 'contribute' });
	run = await queuedRun(admin, p);
});

/** A page in the project's room and a viewer of its run; the viewer's first frame is there. */
async function watching(cookie: string): Promise<TestSocket[]> {
	const room = await TestSocket.open(`/live/projects/${String(p)}`, { cookie, origin: ORIGIN });
	const stream = await TestSocket.open(`/live/runs/${String(run)}`, { cookie, origin: ORIGIN });
	await expect.poll(() => stream.messages.length).toBeGreaterThan(0);
	return [room, stream];
}
/** Within a second, as the record and the objects of this machine go; the old way took half a minute and somebody who speaks. */
const out = async (sockets: TestSocket[], code: number) => {
	for (const socket of sockets) await expect.poll(() => socket.closed?.code, { timeout: 5_000 }).toBe(code);
};
const stays = (sockets: TestSocket[]) => {
	expect(sockets.map((s) => s.closed)).toEqual(sockets.map(() => null));
};
const user = (who: Caller) => admin.ok('GET', `/api/users/${String(who.id)}`);
const patch = async (who: Caller, body: object) =>
	admin.ok('PATCH', `/api/users/${String(who.id)}`, body, { 'if-match': `"v${String((await user(who)).version)}"` });

describe('4: open sockets', () => {
	it('4: close when their person is deactivated, and nobody else’s', async () => {
		const [mine, others] = [await watching(dev.cookie), await watching(ops.cookie)];
		await patch(dev, { is_active: false });
		await out(mine, 4401);
		stays(others);
	});

	it('4: close when an admin without a group is one no longer', async () => {
		const second = await person('admin');
		const [theirs, others] = [await watching(second.cookie), await watching(dev.cookie)];
		await patch(second, { role: 'dev' });
		await out(theirs, 4403);
		stays(others);
	});

	it('4: close when their person leaves the group, or the group loses the project', async () => {
		const [mine, others] = [await watching(dev.cookie), await watching(ops.cookie)];
		await admin.ok('DELETE', `/api/groups/${String(group)}/members/${String(dev.id)}`);
		await out(mine, 4403);
		await admin.ok('PUT', `/api/groups/${String(group)}/members/${String(dev.id)}`, {});
		const again = await watching(dev.cookie);
		await admin.ok('DELETE', `/api/projects/${String(p)}/groups/${String(group)}`);
		await out(again, 4403);
		stays(others);
	});

	it('4: stay when a group may less, but still look', async () => {
		const mine = await watching(dev.cookie);
		await admin.ok('PUT', `/api/projects/${String(p)}/groups/${String(group)}`, { access: 'read' });
		await env.PROJECT_ROOM.getByName(String(p)).rightsChanged(null);
		stays(mine);
	});

	it('7: close with the session alone that was signed out, ended or replaced', async () => {
		const [one, two] = [await session(dev.id), await session(dev.id)];
		const [first, second, third] = [await watching(one), await watching(two), await watching(dev.cookie)];
		expect((await caller(one)('POST', '/api/auth/logout')).status).toBe(204);
		await out(first, 4401);
		stays([...second, ...third]);
		const { items } = await caller(two)('GET', '/api/me/sessions').then((a) => a.body);
		const other = (items as { id: number; current: boolean }[]).find((s) => !s.current);
		expect((await caller(two)('DELETE', `/api/me/sessions/${String(other?.id)}`)).status).toBe(204);
		await out(third, 4401);
		stays(second);
	});

	it('7: close when the password is reset', async () => {
		const mine = await watching(dev.cookie);
		await admin.ok('POST', `/api/users/${String(dev.id)}/password`, {});
		await out(mine, 4401);
	});

	it('4: close when the session ends by itself, with nothing said', async () => {
		const mine = await watching(await session(dev.id, Date.now() + 1_200));
		const others = await watching(dev.cookie);
		await out(mine, 4401);
		stays(others);
	});

	it('4: close although they were let in before the change and arrive after it', async () => {
		// The room has been told of a change; what the Worker let in before it comes only now.
		await watching(dev.cookie);
		await patch(dev, { is_active: false });
		const { id } = (await env.DB.prepare('select max(id) id from sessions').first<{ id: number }>()) ?? { id: 0 };
		const late = {
			user_id: dev.id,
			name: 'x',
			proof: { kind: 'session', id: id + 1000 },
			admin: false,
			expires_at: Date.now() + 60_000,
		};
		for (const [object, name] of [
			[env.PROJECT_ROOM, p],
			[env.RUN_STREAM, run],
		] as const) {
			const response = await object.getByName(String(name)).fetch('https://object/', {
				headers: { upgrade: 'websocket', 'x-uhub-watcher': encodeURIComponent(JSON.stringify(late)) },
			});
			if (!response.webSocket) throw new Error(String(response.status));
			await out([new TestSocket(response.webSocket)], 4401);
		}
	});

	it('stop being announced when nobody watches a run any more', async () => {
		const [room, stream] = await watching(dev.cookie);
		stream?.ws.close(1000);
		room?.ws.close(1000);
		const viewer = await Viewer.open(ops, run);
		await patch(ops, { is_active: false });
		await out([viewer.socket], 4401);
		expect(idOf(await admin.ok('GET', `/api/runs/${String(run)}`))).toBe(run);
	});
});
