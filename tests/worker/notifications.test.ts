import { env } from 'cloudflare:workers';
import { eq } from 'drizzle-orm';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Access } from '#domain/access.ts';
import { ToHubPage } from '#protocol/browser.ts';
import type { Run } from '#domain/run.ts';
import { runs } from '#worker/db/client.ts';
import type { Ctx } from '#worker/services/context.ts';
import { tellDue } from '#worker/services/notifications/due.ts';
import { applyRun } from '#worker/services/runs/apply.ts';
import { sealerOf } from '#worker/services/sealed.ts';
import { tidy } from '#worker/services/hub/tidy.ts';
import { deliverWebhooks } from '#worker/services/webhooks/deliver.ts';
import { type Answer, type Caller, ctxFor, fresh, idOf, insert, ORIGIN, person, project } from './api-world.ts';
import { TestSocket } from './live-world.ts';
import { ifMatch } from './source-world.ts';

// What people are told, of what, and what not: who did it, who may not see it, and who was told already are told nothing.

type Row = Answer['body'];
let admin: Caller, owner: Caller, dev: Caller, ops: Caller, stranger: Caller;
let p: number;
const HOUR = 3_600_000;

/** Who is in the project for the time of one test. */
async function join(who: Caller, access: Access, project_id = p): Promise<() => Promise<unknown>> {
	const group_id = await insert('groups', { name: fresh('g ') });
	await insert('group_users', { group_id, user_id: who.id });
	await insert('project_groups', { project_id, group_id, access });
	return () => admin.ok('DELETE', `/api/groups/${String(group_id)}/members/${String(who.id)}`).catch(() => undefined);
}

beforeAll(async () => {
	[admin, owner, dev, ops, stranger] = await Promise.all([
		person('admin'),
		person('projets'),
		person('dev', { email: 'dev@example.org' }),
		person('ops'),
		person('ops'),
	]);
	p = await project(owner, [
		[dev, 'contribute'],
		[ops, 'operate'],
	]);
});
beforeEach(async () => {
	for (const table of ['notifications', 'notification_choices', 'webhook_deliveries', 'webhooks'])
		await env.DB.exec(`delete from ${table}`);
	vi.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(new Response('ok')));
});

const told = async (who: Caller, query = '') =>
	(await who.ok('GET', `/api/me/notifications${query}`)) as { items: Row[]; unread: number };
const events = async (who: Caller) => (await told(who)).items.map(({ event }) => event);
const choose = (who: Caller, choice: object) => who.ok('PUT', '/api/me/notification-preferences', choice);

async function run(who: Caller, project_id = p): Promise<Row> {
	const at = `/api/projects/${String(project_id)}`;
	const script = { tool: 'shell', name: fresh('s'), location_type: 'uploaded', content: 'true' };
	const { id } = await admin.ok('POST', `${at}/scripts`, script);
	const job = await admin.ok('POST', `${at}/jobs`, { title: 'ship', job_type: 'dev', script_ids: [id] });
	return who.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
}

/** Writes down how a run ended, as its stream does. */
async function end(
	run: Row,
	status: Run['status'],
	ctx: Ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } }),
	reason = 'exit_code',
) {
	const id = idOf(run);
	const [row] = await ctx.db.select().from(runs).where(eq(runs.id, id));
	if (!row) throw new Error('no run');
	const at = new Date(ctx.now()).toISOString();
	const metadata = { status, exit_code: 1, reason };
	const changes = [{ seq: 1, audit: { action: 'run.finish' as const, metadata } }];
	await applyRun(ctx, row, changes, { ...row, status, phase: 'done', finished_at: at, started_at: at });
}

describe('a run that ends', () => {
	it('badly is told to who started it, and to those who follow the project; not to strangers', async () => {
		await end(await run(dev), 'failed');
		const { items, unread } = await told(dev);
		expect(unread).toBe(1);
		expect(items).toEqual([
			{
				id: expect.any(Number),
				event: 'run.failed',
				project_id: p,
				object_type: 'Run',
				object_id: expect.any(Number),
				about: { title: 'ship', project: expect.any(String), status: 'failed' },
				browser: true,
				created_at: expect.stringMatching(/Z$/),
				read_at: null,
			},
		]);
		expect(await events(ops)).toEqual(['project.run_failed']);
		expect(await events(owner)).toEqual(['project.run_failed']);
		// An admin sees every project, and is told of none that they did not choose.
		expect(await events(admin)).toEqual([]);
		expect(await events(stranger)).toEqual([]);
	});

	it('and first needs approval is told to who may give it, once; what they decide, to who asked', async () => {
		const at = `/api/projects/${String(p)}`;
		const { id: environment_id } = await owner.ok('POST', `${at}/environments`, { name: fresh('env'), type: 'prod' });
		const script = { tool: 'shell', name: fresh('s'), location_type: 'uploaded', content: 'true' };
		const { id } = await admin.ok('POST', `${at}/scripts`, script);
		const job = await admin.ok('POST', `${at}/jobs`, {
			title: 'ship',
			job_type: 'dev',
			environment_id,
			script_ids: [id],
		});
		const ask = () => dev.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
		const first = await ask();
		expect(await events(ops)).toEqual(['run.needs_approval']);
		expect(await events(admin)).toEqual(['run.needs_approval']);
		for (const who of [dev, owner, stranger]) expect(await events(who)).toEqual([]);
		await ops.ok('POST', `/api/runs/${String(idOf(first))}/approve`, { hash: first.request_hash });
		const second = await ask();
		await admin.ok('POST', `/api/runs/${String(idOf(second))}/reject`, { hash: second.request_hash });
		expect((await told(dev)).items.map(({ event, about }) => [event, about])).toEqual(
			['rejected', 'approved'].map((decision) => [
				'run.decided',
				{ title: 'ship', project: expect.any(String), decision },
			]),
		);
		// What is written down later is not the next test's.
		await vi.waitUntil(async () => (await admin.ok('GET', `/api/runs/${String(idOf(second))}`)).status === 'canceled', {
			timeout: 30_000,
		});
	});

	it('is told once, however often it is written down', async () => {
		const one = await run(dev);
		await end(one, 'failed');
		await end(one, 'failed');
		await env.DB.prepare('update run_streams set seq = 0 where run_id = ?').bind(idOf(one)).run();
		await end(one, 'failed');
		expect(await events(dev)).toEqual(['run.failed']);
		expect(await events(ops)).toEqual(['project.run_failed']);
	});

	it('well is told where it was chosen; canceled, not to who canceled it', async () => {
		await end(await run(dev), 'success');
		expect(await events(dev)).toEqual([]);
		await choose(dev, { channels: { 'run.ended': ['page'] } });
		await end(await run(dev), 'success');
		expect(await events(dev)).toEqual(['run.ended']);
		for (const who of [dev, ops]) {
			const one = await run(dev);
			await who.ok('POST', `/api/runs/${String(idOf(one))}/cancel`, {});
			await expect.poll(async () => (await dev.ok('GET', `/api/runs/${String(idOf(one))}`)).status).toBe('canceled');
		}
		const { items } = await told(dev);
		expect(items.map(({ about }) => (about as Row).status)).toEqual(['canceled', 'success']);
	});

	it.each(['missed', 'waited_too_long'])(
		'before it began (%s) is told as missed to whose job it is',
		async (reason) => {
			await end(await run(dev), 'canceled', undefined, reason);
			const { items } = await told(dev);
			expect(items).toMatchObject([{ event: 'run.missed', browser: true, about: { title: 'ship' } }]);
			for (const who of [owner, ops]) expect(await events(who)).toEqual([]);
		},
	);

	it('is told by the channels that were chosen, and not at all where none was', async () => {
		await choose(dev, { channels: { 'run.failed': ['page'] } });
		await choose(ops, { channels: { 'project.run_failed': [] } });
		await end(await run(dev), 'lost');
		expect((await told(dev)).items[0]).toMatchObject({ browser: false, about: { status: 'lost' } });
		expect(await events(ops)).toEqual([]);
	});

	it('of another project than those that were chosen is not told', async () => {
		const other = await project(admin, [
			[ops, 'operate'],
			[dev, 'contribute'],
		]);
		await choose(ops, { projects: [other] });
		await end(await run(dev), 'failed');
		expect(await events(ops)).toEqual([]);
		await end(await run(dev, other), 'failed');
		expect(await events(ops)).toEqual(['project.run_failed']);
		// One's own is told wherever it was.
		await choose(dev, { projects: [other] });
		await end(await run(dev), 'failed');
		expect(await events(dev)).toEqual(['run.failed', 'run.failed', 'run.failed']);
	});
});

describe('an incident', () => {
	const open = (who: Caller, severity: string) =>
		who.ok('POST', `/api/projects/${String(p)}/incidents`, { title: 'down', severity });

	it('is told from the chosen severity on, not to who opened it; later when it grows, and when it is reopened', async () => {
		await choose(ops, { severity: 'critical' });
		const incident = await open(dev, 'medium');
		const at = `/api/incidents/${String(idOf(incident))}`;
		expect(await events(dev)).toEqual([]);
		expect(await events(owner)).toEqual(['incident.opened']);
		expect(await events(ops)).toEqual([]);
		await admin.ok('PATCH', at, { severity: 'critical' }, ifMatch(incident));
		expect(await events(ops)).toEqual(['incident.opened']);
		expect((await told(ops)).items[0]).toMatchObject({ about: { title: 'down', severity: 'critical' } });
		expect(await events(owner)).toEqual(['incident.opened']);
		await admin.ok('POST', `${at}/resolve`, {});
		await admin.ok('POST', `${at}/reopen`, { reason: 'it is back' });
		expect(await events(owner)).toEqual(['incident.opened', 'incident.opened']);
		await open(admin, 'low');
		expect(await events(owner)).toEqual(['incident.opened', 'incident.opened']);
	});

	it('is told to who is given a role in it, each time', async () => {
		const incident = await open(admin, 'low');
		const hand = (user_id: number | null, who = admin) =>
			who.ok('POST', `/api/incidents/${String(idOf(incident))}/roles`, { role: 'scribe', user_id });
		await hand(dev.id);
		expect((await told(dev)).items[0]).toMatchObject({ event: 'incident.role', about: { role: 'scribe' } });
		await hand(ops.id, ops);
		expect(await events(ops)).toEqual([]);
		await hand(dev.id);
		expect(await events(dev)).toEqual(['incident.role', 'incident.role']);
	});
});

describe('what time brings', () => {
	const clock = (now: number) => ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { now: () => now });

	it('an action of one’s own that is due, once', async () => {
		const incident = await admin.ok('POST', `/api/projects/${String(p)}/incidents`, { title: 'down' });
		const at = `/api/incidents/${String(idOf(incident))}/postmortem`;
		await admin.ok('POST', at, { summary: 's', impact: 'i' });
		const due = Date.now() + HOUR;
		const action = { title: 'do it', owner_id: dev.id, due: new Date(due).toISOString() };
		const { id } = await admin.ok('POST', `${at}/actions`, action);
		const done = await admin.ok('POST', `${at}/actions`, action);
		await admin.ok('PATCH', `${at}/actions/${String(idOf(done))}`, { state: 'done' }, ifMatch(done));
		await env.DB.exec('delete from notifications');
		await tellDue(clock(due - 1));
		expect(await events(dev)).toEqual([]);
		await tellDue(clock(due));
		await tellDue(clock(due + 60_000));
		const { items } = await told(dev);
		expect(items).toMatchObject([{ event: 'action.due', object_id: id, about: { incident_id: incident.id } }]);
	});

	it('an agent that is away, to admins, once each time', async () => {
		const now = Date.now();
		const row = { public_key: fresh('k'), fingerprint: fresh('f'), status: 'offline', last_seen_at: now };
		const id = await insert('agents', { name: 'build-1', ...row });
		await tellDue(clock(now + 60_000));
		expect(await events(admin)).toEqual([]);
		await tellDue(clock(now + 120_000));
		await tellDue(clock(now + 180_000));
		expect((await told(admin)).items).toMatchObject([{ event: 'agent.offline', about: { title: 'build-1' } }]);
		expect(await events(ops)).toEqual([]);
		await env.DB.prepare('update agents set last_seen_at = ? where id = ?')
			.bind(now + HOUR, id)
			.run();
		await tellDue(clock(now + 2 * HOUR));
		expect(await events(admin)).toEqual(['agent.offline', 'agent.offline']);
		// Who was an admin then is not reminded of it now.
		await env.DB.prepare("update users set role = 'dev' where id = ?").bind(admin.id).run();
		expect(await told(admin)).toMatchObject({ items: [], unread: 0 });
		await env.DB.prepare("update users set role = 'admin' where id = ?").bind(admin.id).run();
		await env.DB.prepare('delete from agents where id = ?').bind(id).run();
	});
});

describe('rights', () => {
	it('1: what one may no longer see is not listed, counted, or told to one’s webhook', async () => {
		const guest = await person('ops');
		const leave = await join(guest, 'read');
		await guest.ok('POST', '/api/me/webhook', { url: 'https://hooks.example.com/guest' });
		await choose(guest, { channels: { 'project.run_failed': ['page', 'webhook'] } });
		const sent = vi.mocked(globalThis.fetch);
		const quiet = ctxFor({ kind: 'actor', actor: { kind: 'system' } });
		await end(await run(dev), 'failed', quiet);
		expect(await told(guest)).toMatchObject({ unread: 1 });
		await leave();
		expect(await told(guest)).toMatchObject({ items: [], unread: 0 });
		sent.mockClear();
		const outside = { fetch: sent, open: sent, networks: [], version: 'test' };
		await deliverWebhooks(quiet, outside, sealerOf(env.UHUB_SECRET));
		expect(sent).not.toHaveBeenCalled();
		const row = await env.DB.prepare('select status, attempts from webhook_deliveries').first<Row>();
		expect(row).toMatchObject({ status: 'failed', attempts: expect.stringContaining('not_allowed') });
		// Back in, it is there again, and what comes is told anew.
		await join(guest, 'read');
		expect(await told(guest)).toMatchObject({ unread: 1 });
	});

	it('4: who is deactivated is told nothing', async () => {
		const gone = await person('ops', { is_active: 0 });
		await join(gone, 'manage');
		await end(await run(dev), 'failed');
		const { results } = await env.DB.prepare('select 1 from notifications where user_id = ?').bind(gone.id).all();
		expect(results).toEqual([]);
	});

	it('1: marking is of one’s own', async () => {
		await end(await run(dev), 'failed');
		const [mine] = (await told(dev)).items;
		await ops.ok('POST', '/api/me/notifications/read', { ids: [mine?.id, (await told(ops)).items[0]?.id] });
		expect(await told(ops)).toMatchObject({ unread: 0 });
		expect(await told(dev)).toMatchObject({ unread: 1 });
	});

	it('11: a token reads, and chooses nothing', async () => {
		const { token } = await dev.ok('POST', '/api/tokens', { name: fresh('t'), scopes: ['read', 'write'] });
		const headers = { authorization: `Bearer ${String(token)}` };
		const { url } = await dev.ok('POST', '/api/me/webhook', { url: 'https://hooks.example.com/dev' });
		expect(url).toBe('https://hooks.example.com/dev');
		const nobody = await person('dev');
		const by = (method: string, path: string, body?: object) => nobody.call(method, path, { body, headers });
		expect((await by('GET', '/api/me/notifications')).status).toBe(200);
		for (const [method, path, body] of [
			['PUT', '/api/me/notification-preferences', {}],
			['POST', '/api/me/webhook', { url: 'https://evil.example.com/' }],
			['POST', '/api/me/notifications/test', {}],
		] as const)
			expect((await by(method, path, body)).status, path).toBe(403);
		const id = await env.DB.prepare('select id from webhooks').first<number>('id');
		expect((await by('GET', `/api/webhooks/${String(id)}`)).status).toBe(403);
	});
});

describe('reading', () => {
	it('marks these, or all up to one; what came afterwards stays unread', async () => {
		for (let n = 0; n < 4; n++) await end(await run(dev), 'failed');
		const { items } = await told(dev);
		const [latest, third, second] = items;
		expect(await dev.ok('POST', '/api/me/notifications/read', { ids: [latest?.id] })).toEqual({ unread: 3 });
		expect(await dev.ok('POST', '/api/me/notifications/read', { up_to: second?.id })).toEqual({ unread: 1 });
		expect((await told(dev, '?unread=true')).items.map(({ id }) => id)).toEqual([third?.id]);
		expect((await told(dev, '?unread=false')).items).toHaveLength(3);
		const first = await told(dev, '?limit=3');
		const rest = await told(dev, `?limit=3&cursor=${String((first as unknown as Row).next_cursor)}`);
		expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(items.map(({ id }) => id));
	});

	it('is told to one’s own open pages alone', async () => {
		const page = async (who: Caller) => {
			const socket = await TestSocket.open('/live/hub', { cookie: who.cookie, origin: ORIGIN });
			socket.ws.send(JSON.stringify({ type: 'hello', v: 1, since: null, age: 0 }));
			await vi.waitUntil(() => socket.messages.length > 1, { timeout: 30_000 });
			socket.messages.length = 0;
			return () =>
				socket.messages
					.map((text) => ToHubPage.parse(JSON.parse(String(text))))
					.flatMap((frame) => (frame.type === 'touched' ? frame.kinds : []));
		};
		const [mine, theirs] = await Promise.all([page(dev), page(admin)]);
		await dev.ok('POST', '/api/me/notifications/test', {});
		await vi.waitUntil(() => mine().includes('notification'), { timeout: 30_000 });
		await vi.waitUntil(() => theirs().includes('audit'), { timeout: 30_000 });
		expect(theirs()).not.toContain('notification');
		expect(await events(dev)).toEqual(['test']);
	});
});

describe('choosing', () => {
	it('begins with what the role is told, and keeps what is chosen', async () => {
		const before = await dev.ok('GET', '/api/me/notification-preferences');
		expect(before).toMatchObject({
			channels: { 'run.failed': ['page', 'browser'], 'run.ended': [] },
			projects: null,
			severity: 'medium',
			quiet: null,
			webhook: null,
			mail: { ready: false, address: 'dev@example.org', confirmed: true, latest: [] },
		});
		expect(Object.keys(before.channels as object)).not.toContain('agent.offline');
		expect(Object.keys((await admin.ok('GET', '/api/me/notification-preferences')).channels as object)).toContain(
			'agent.offline',
		);
		const quiet = { start: '22:00', end: '07:00', time_zone: 'Europe/Paris' };
		const after = await choose(dev, { channels: { 'run.ended': ['webhook'] }, projects: [p], severity: 'low', quiet });
		expect(after).toMatchObject({
			channels: { 'run.failed': ['page', 'browser'], 'run.ended': ['webhook'] },
			projects: [p],
			severity: 'low',
			quiet,
		});
		expect(await dev.ok('GET', '/api/me/notification-preferences')).toEqual(after);
	});

	it('refuses what makes no sense, naming the field', async () => {
		const other = await project(admin);
		const quiet = { start: '22:00', end: '07:00', time_zone: 'Europe/Paris' };
		for (const [body, path] of [
			[{ channels: { 'run.failed': ['pager'] } }, 'channels.run.failed.0'],
			[{ channels: { 'run.failed': ['page', 'page'] } }, 'channels.run.failed'],
			[{ channels: { 'run.exploded': ['page'] } }, 'channels'],
			[{ channels: { test: [] } }, 'channels'],
			[{ channels: { 'agent.offline': ['page'] } }, 'channels.agent.offline'],
			[{ projects: [other] }, 'projects.0'],
			[{ projects: [p, p] }, 'projects'],
			[{ severity: 'severe' }, 'severity'],
			[{ quiet: { ...quiet, time_zone: 'Europe/Atlantis' } }, 'quiet.time_zone'],
			[{ quiet: { ...quiet, time_zone: '+01:00' } }, 'quiet.time_zone'],
			[{ quiet: { ...quiet, end: '22:00' } }, 'quiet.end'],
			[{ quiet: { ...quiet, start: '24:00' } }, 'quiet.start'],
			[{ user_id: admin.id }, ''],
		] as const) {
			const answer = await dev.call('PUT', '/api/me/notification-preferences', { body });
			expect(answer, JSON.stringify(body)).toMatchObject({ status: 400, body: { errors: [{ path }] } });
		}
	});
});

describe('a webhook of one’s own', () => {
	it('is one’s own alone, has no events to choose, and leads to the open internet only', async () => {
		const made = await dev.ok('POST', '/api/me/webhook', { url: 'https://hooks.example.com/dev' });
		expect(made).toMatchObject({
			user_id: dev.id,
			project_id: null,
			events: [],
			secret: expect.stringMatching(/^whsec_/),
		});
		const at = `/api/webhooks/${String(idOf(made))}`;
		const { secret, ...row } = made;
		expect(secret).toBeTruthy();
		expect(await dev.ok('GET', at)).toEqual(row);
		for (const who of [admin, ops]) expect((await who.call('GET', at)).status).toBe(404);
		expect((await admin.ok('GET', '/api/webhooks')).items).toEqual([]);
		expect((await dev.call('POST', '/api/me/webhook', { body: { url: made.url } })).status).toBe(409);
		const patch = (body: object) => dev.call('PATCH', at, { body, headers: ifMatch(made) });
		expect(await patch({ events: ['run.ended'] })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'events' }] },
		});
		for (const url of ['http://127.0.0.1/', 'https://169.254.169.254/', 'https://hub.local/'])
			expect((await patch({ url })).status, url).toBe(400);
		expect((await dev.call('POST', '/api/me/webhook', { body: { url: 'https://10.0.0.1/' } })).status).toBe(400);
		expect((await dev.ok('GET', '/api/me/notification-preferences')).webhook).toEqual(row);
		expect((await dev.call('DELETE', at, { headers: ifMatch(made) })).status).toBe(204);
	});

	it('is told what its person is told, once, signed like any other', async () => {
		await dev.ok('POST', '/api/me/webhook', { url: 'https://hooks.example.com/dev' });
		await choose(dev, { channels: { 'run.failed': ['webhook'] } });
		const one = await run(dev);
		const at = ctxFor({ kind: 'actor', actor: { kind: 'system' } });
		await end(one, 'failed', at);
		await env.DB.prepare('update run_streams set seq = 0 where run_id = ?').bind(idOf(one)).run();
		await end(one, 'failed', at);
		const sent = vi.mocked(globalThis.fetch);
		await deliverWebhooks(at, { fetch: sent, open: sent, networks: [], version: 't' }, sealerOf(env.UHUB_SECRET));
		expect(sent).toHaveBeenCalledOnce();
		const [url, init] = sent.mock.calls[0] ?? [];
		expect(url).toBe('https://hooks.example.com/dev');
		expect(new Headers(init?.headers).get('webhook-signature')).toMatch(/^v1,/);
		expect(JSON.parse(init?.body as string)).toMatchObject({
			event: 'notification',
			notification: 'run.failed',
			user_id: dev.id,
			project: { id: p },
			object_type: 'Run',
			object_id: one.id,
			object: { title: 'ship', status: 'failed' },
		});
		// It is not in the list behind the bell: that was not chosen.
		expect(await events(dev)).toEqual([]);
	});
});

describe('many', () => {
	const CROWD = 1_000;

	it('a thousand people are told in one batch, and each keeps the latest 500', async () => {
		const crowded = await project(admin, [[dev, 'contribute']]);
		const group_id = await insert('groups', { name: fresh('crowd ') });
		const now = Date.now();
		await env.DB.prepare(
			`with recursive n(i) as (select 1 union all select i + 1 from n where i < ${String(CROWD)})
			insert into users (username, role, created_at, updated_at) select 'crowd' || i, 'ops', ${String(now)}, ${String(now)} from n`,
		).run();
		await env.DB.prepare(
			`insert into group_users (group_id, user_id, created_at, updated_at) select ${String(group_id)}, id, 0, 0 from users where username like 'crowd%'`,
		).run();
		await insert('project_groups', { project_id: crowded, group_id, access: 'read' });
		const failed = await run(dev, crowded);
		const ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } });
		const batch = vi.fn(ctx.db.batch.bind(ctx.db));
		await end(failed, 'failed', { ...ctx, db: Object.assign(Object.create(ctx.db) as Ctx['db'], { batch }) });
		expect(batch).toHaveBeenCalledOnce();
		const count = (where = '1') =>
			env.DB.prepare(`select count(*) as n from notifications where ${where}`).first<number>('n');
		expect(await count("event = 'project.run_failed'")).toBe(CROWD);

		// One of them is flooded: an hour brings a thousand at most, and the clock leaves the latest.
		await env.DB.prepare(
			`with recursive n(i) as (select 1 union all select i + 1 from n where i < 1200)
			insert into notifications (user_id, event, object_type, object_id, about, dedupe_key, page, browser, webhook, created_at)
			select ${String(dev.id)}, 'test', 'User', 1, '{"title":"t","project":null}', 'flood ' || i, 1, 0, 0, ${String(now)} from n`,
		).run();
		await end(await run(dev, crowded), 'failed');
		expect(await count(`user_id = ${String(dev.id)} and event = 'run.failed'`)).toBe(1);
		for (let minute = 0; minute < 60; minute++)
			await tidy(ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { now: () => now + minute * 60_000 }));
		expect(await count(`user_id = ${String(dev.id)}`)).toBe(500);
		await env.DB.exec('delete from notifications');
		await env.DB.exec("delete from group_users where user_id in (select id from users where username like 'crowd%')");
	});
});
