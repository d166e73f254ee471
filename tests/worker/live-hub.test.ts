import { env } from 'cloudflare:workers';
import { evictDurableObject } from 'cloudflare:test';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { hostReported } from '#worker/services/agents/seen.ts';
import { systemCtx } from '#worker/http/context.ts';
import { type HubKind, ToHubPage } from '#protocol/browser.ts';
import { enrolRequest } from './api-enrol.ts';
import { caller, type Caller, fresh, idOf, nobody, ORIGIN, person, project, session } from './api-world.ts';
import { TestSocket } from './live-world.ts';
import { ifMatch } from './source-world.ts';

// What belongs to no project reaches the open pages of those who may see it, and says to nobody else that it is there.

let admin: Caller, dev: Caller, other: Caller;
let p: number;

beforeAll(async () => {
	[admin, dev, other] = await Promise.all([person('admin'), person('dev'), person('ops')]);
	p = await project(admin);
});

class Page {
	readonly socket: TestSocket;
	constructor(socket: TestSocket) {
		this.socket = socket;
	}

	static async open(cookie: string, since: string | null = null, age = 0): Promise<Page> {
		const page = new Page(await TestSocket.open('/live/hub', { cookie, origin: ORIGIN }));
		page.socket.ws.send(JSON.stringify({ type: 'hello', v: 1, since, age }));
		await vi.waitUntil(() => page.touched.length > 0, { timeout: 30_000 });
		return page;
	}

	get frames(): ToHubPage[] {
		return this.socket.messages.flatMap((m) =>
			typeof m === 'string' && m !== 'pong' ? [ToHubPage.parse(JSON.parse(m))] : [],
		);
	}
	get touched() {
		return this.frames.flatMap((f) => (f.type === 'touched' ? [f] : []));
	}
	get cursor(): string {
		return this.touched.at(-1)?.cursor ?? '';
	}
	get kinds(): HubKind[] {
		return [...new Set(this.touched.flatMap((f) => f.kinds))];
	}
	forget(): void {
		this.socket.messages.length = 0;
	}
}

const group = () => admin.ok('POST', '/api/groups', { name: fresh('g ') });
const user = (who: Caller) => admin.ok('GET', `/api/users/${String(who.id)}`);
const patch = async (who: Caller, body: object) =>
	admin.ok('PATCH', `/api/users/${String(who.id)}`, body, ifMatch(await user(who)));

describe('an open page is told', () => {
	let pages: Record<'admin' | 'dev' | 'other', Page>;
	beforeAll(async () => {
		const [a, d, o] = await Promise.all([admin, dev, other].map(({ cookie }) => Page.open(cookie)));
		if (!a || !d || !o) throw new Error('no pages');
		pages = { admin: a, dev: d, other: o };
	});
	beforeEach(async () => {
		// What was done before has been told when this is.
		for (const page of Object.values(pages)) page.forget();
		await admin.ok('POST', '/api/projects', { name: fresh('last ') });
		for (const page of Object.values(pages)) {
			await vi.waitUntil(() => page.kinds.includes('project'), { timeout: 30_000 });
			page.forget();
		}
	});

	type Told = { admin: HubKind[]; dev: HubKind[]; other: HubKind[] };
	/** Who is told of what when that is done; beside it admins are told of the audit. */
	const acts: Record<string, [() => Promise<unknown>, Told]> = {
		'a person that comes': [
			() => admin.ok('POST', '/api/users', { username: fresh('u'), role: 'dev' }),
			{ admin: ['user'], dev: ['user'], other: ['user'] },
		],
		'a name that changes': [
			async () =>
				dev.ok('PATCH', '/api/me', { display_name: fresh('Dev ') }, ifMatch(await dev.ok('GET', '/api/auth/me'))),
			{ admin: ['user'], dev: ['user'], other: ['user'] },
		],
		'a sign-in elsewhere': [
			async () => {
				const username = fresh('u');
				await admin.ok('POST', '/api/users', { username, role: 'dev', password: 'a long enough password' });
				await nobody('POST', '/api/auth/login', { body: { username, password: 'a long enough password' } });
			},
			{ admin: ['user', 'session'], dev: ['user'], other: ['user'] },
		],
		'a group, and who is in it': [
			async () => {
				const row = await group();
				await admin.ok('PUT', `/api/groups/${String(idOf(row))}/members/${String(dev.id)}`, {});
			},
			{ admin: ['group', 'project'], dev: ['group', 'project'], other: ['group'] },
		],
		'a group’s access to a project': [
			async () => {
				const at = `/api/projects/${String(p)}/groups/${String(idOf(await group()))}`;
				await admin.ok('PUT', at, { access: 'read' });
			},
			{ admin: ['group', 'project'], dev: ['group', 'project'], other: ['group', 'project'] },
		],
		'a project that comes': [
			() => admin.ok('POST', '/api/projects', { name: fresh('p ') }),
			{ admin: ['project'], dev: ['project'], other: ['project'] },
		],
		'a token, made and renamed': [
			async () => {
				const row = await dev.ok('POST', '/api/tokens', { name: fresh('t'), scopes: ['read'] });
				await dev.ok('PATCH', `/api/tokens/${String(idOf(row))}`, { name: fresh('t') }, ifMatch(row));
			},
			{ admin: ['token'], dev: ['token'], other: [] },
		],
		'a token that was used': [
			async () => {
				const { token } = await dev.ok('POST', '/api/tokens', { name: fresh('t'), scopes: ['read'] });
				await caller(null)('GET', '/api/projects', { headers: { authorization: `Bearer ${String(token)}` } });
			},
			{ admin: ['token'], dev: ['token'], other: [] },
		],
		'an address to subscribe to': [
			() => dev.ok('POST', '/api/me/feed', {}),
			{ admin: ['feed'], dev: ['feed'], other: [] },
		],
		'an agent that asks to be let in, and is': [
			async () => {
				const { token } = await admin.ok('POST', '/api/agents/enrolments', {});
				const joined = await nobody('POST', '/api/agents/enrol', { body: await enrolRequest(String(token)) });
				const { fingerprint } = joined.body;
				await admin.ok('POST', `/api/agents/${String(joined.body.agent_id)}/confirm`, { fingerprint });
			},
			{ admin: ['agent'], dev: ['agent'], other: ['agent'] },
		],
		'how a host is': [
			async () => {
				const { token } = await admin.ok('POST', '/api/agents/enrolments', {});
				const joined = await nobody('POST', '/api/agents/enrol', { body: await enrolRequest(String(token)) });
				await hostReported(systemCtx(env, { waitUntil: () => undefined }), Number(joined.body.agent_id), {
					snapshot_time: new Date(0).toISOString(),
					cpu_cores: 1,
					cpu_load_1m: 0,
					cpu_load_5m: 0,
					cpu_load_15m: 0,
					ram_total_gib: 1,
					ram_used_gib: 0,
					disk_path: '/',
					disk_total_gib: 1,
					disk_used_gib: 0,
					disk_free_gib: 1,
				});
			},
			{ admin: ['agent', 'host'], dev: ['agent', 'host'], other: ['agent', 'host'] },
		],
		'a webhook of the hub': [
			() =>
				admin.ok('POST', '/api/webhooks', {
					project_id: null,
					name: 'chat',
					url: 'https://hooks.example.com/',
					events: ['run.ended'],
				}),
			{ admin: ['webhook'], dev: [], other: [] },
		],
		'what is only in the audit': [
			() => admin.ok('POST', `/api/projects/${String(p)}/jobs`, { title: 'x', job_type: 'dev' }),
			{ admin: [], dev: [], other: [] },
		],
	};

	it.each(Object.entries(acts))('of %s', async (_name, [act, told]) => {
		await act();
		await expect.poll(() => pages.admin.kinds.toSorted(), { timeout: 4_000 }).toEqual([...told.admin, 'audit'].sort());
		await expect.poll(() => pages.dev.kinds.toSorted()).toEqual(told.dev.toSorted());
		await expect.poll(() => pages.other.kinds.toSorted()).toEqual(told.other.toSorted());
	});
});

describe('a page that comes', () => {
	it('is told what was touched since it loaded, and later what since its cursor', async () => {
		const first = await Page.open(admin.cookie);
		const { cursor } = first;
		await group();
		await expect.poll(() => first.kinds).toContain('group');
		expect((await Page.open(admin.cookie, null, 5_000)).kinds).toContain('group');
		expect((await Page.open(admin.cookie, cursor)).kinds).toContain('group');
		expect((await Page.open(admin.cookie, first.cursor)).kinds).toEqual([]);
	});

	it('is told of everything where nobody knows what it missed', async () => {
		const { cursor } = await Page.open(dev.cookie);
		await evictDurableObject(env.HUB_ROOM.getByName('hub'));
		const again = await Page.open(dev.cookie, cursor);
		expect(again.kinds).toEqual(expect.arrayContaining(['user', 'project', 'token']));
	});

	it('stays open over an eviction', async () => {
		const page = await Page.open(dev.cookie);
		await evictDurableObject(env.HUB_ROOM.getByName('hub'));
		await group();
		await expect.poll(() => page.kinds).toContain('group');
	});

	it('6: is one of this hub’s own, of somebody who is signed in', async () => {
		await expect(TestSocket.open('/live/hub', { origin: ORIGIN })).rejects.toThrow('401');
		await expect(TestSocket.open('/live/hub', { cookie: dev.cookie })).rejects.toThrow('403');
		await expect(TestSocket.open('/live/hub', { cookie: dev.cookie, origin: 'https://evil.test' })).rejects.toThrow(
			'403',
		);
	});

	it.each([
		['no JSON', 'x', 4400],
		['another hello', JSON.stringify({ type: 'hello', v: 1, since: null }), 4400],
		['more than is asked', JSON.stringify({ type: 'hello', v: 1, since: null, age: 0, admin: true }), 4400],
		['a long frame', 'x'.repeat(5000), 4413],
	])('31: %s closes its socket', async (_name, frame, code) => {
		const page = await Page.open(dev.cookie);
		page.socket.ws.send(frame);
		await page.socket.closes(code);
	});
});

describe('4: a page', () => {
	it('4: closes when its person is deactivated or their session ends, and nobody else’s', async () => {
		const [one, two] = await Promise.all([person('dev'), person('dev')]);
		const [mine, theirs, stays] = await Promise.all([one, two, dev].map(({ cookie }) => Page.open(cookie)));
		await patch(one, { is_active: false });
		await mine?.socket.closes(4401);
		await admin.ok('POST', `/api/users/${String(two.id)}/password`, {});
		await theirs?.socket.closes(4401);
		expect(stays?.socket.closed).toBeNull();
	});

	it('4: of an admin who is one no longer closes, and tells them no more of the audit', async () => {
		const second = await person('admin');
		const page = await Page.open(second.cookie);
		await patch(second, { role: 'dev' });
		await page.socket.closes(4403);
		const again = await Page.open(second.cookie);
		again.forget();
		await admin.ok('POST', '/api/webhooks', {
			project_id: null,
			name: 'chat',
			url: 'https://hooks.example.com/',
			events: ['run.ended'],
		});
		await group();
		await expect.poll(() => again.kinds).toEqual(['group']);
	});

	it('11: of a token hears what its scopes let it see', async () => {
		const { token } = await admin.ok('POST', '/api/tokens', { name: fresh('t'), scopes: ['read'] });
		const socket = await TestSocket.open('/live/hub', { authorization: `Bearer ${String(token)}` });
		const page = new Page(socket);
		socket.ws.send(JSON.stringify({ type: 'hello', v: 1, since: null, age: 0 }));
		await expect.poll(() => page.touched.length).toBeGreaterThan(0);
		page.forget();
		await admin.ok('POST', '/api/webhooks', {
			project_id: null,
			name: 'chat',
			url: 'https://hooks.example.com/',
			events: ['run.ended'],
		});
		await group();
		await expect.poll(() => page.kinds).toEqual(['group']);
	});

	it('4: ends with its session', async () => {
		const page = await Page.open(await session(dev.id, Date.now() + 1_000));
		await expect
			.poll(
				async () => {
					await env.HUB_ROOM.getByName('hub').touched([{ kind: 'group', user_id: null }]);
					return page.socket.closed?.code;
				},
				{ timeout: 30_000, interval: 200 },
			)
			.toBe(4401);
	});
});
