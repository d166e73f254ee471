import { env } from 'cloudflare:workers';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { ToBrowser } from '#protocol/browser.ts';
import { loadDispatches } from '#worker/services/runs/spec.ts';
import { sweepRuns } from '#worker/services/runs/sweep.ts';
import { liveOf } from '#worker/live.ts';
import { type Caller, ctxFor, ORIGIN, person, project, session } from './api-world.ts';
import { becomes, enrolled, queuedRun, rowOf, TestAgent, TestSocket } from './live-world.ts';

let admin: Caller;
let p: number;

beforeEach(async () => {
	admin = await person('admin', { display_name: 'Ada' });
	p = await project(admin);
});

const room = () => env.PROJECT_ROOM.getByName(String(p));
const system = () => ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { live: liveOf(env) });

class Page {
	readonly socket: TestSocket;
	constructor(socket: TestSocket) {
		this.socket = socket;
	}
	static async open(
		cookie = admin.cookie,
		since: number | null = null,
		id = p,
		more: { age?: number } = {},
	): Promise<Page> {
		const page = new Page(await TestSocket.open(`/live/projects/${String(id)}`, { cookie, origin: ORIGIN }));
		page.say({ type: 'hello', v: 1, since, ...more });
		await expect.poll(() => page.of('welcome').length).toBe(1);
		return page;
	}
	say(frame: object): void {
		this.socket.ws.send(JSON.stringify(frame));
	}
	get said(): ToBrowser[] {
		return this.socket.messages.flatMap((m) =>
			typeof m === 'string' && m !== 'pong' ? [ToBrowser.parse(JSON.parse(m))] : [],
		);
	}
	of<T extends ToBrowser['type']>(type: T) {
		return this.said.filter((m): m is Extract<ToBrowser, { type: T }> => m.type === type);
	}
	get changes() {
		return this.of('changes').flatMap((m) => m.changes);
	}
	get paths() {
		return (this.of('people').at(-1)?.people ?? []).map((one) => one.path).sort();
	}
}

describe('dispatch', () => {
	it('goes by priority, then by time, each with its own spec', async () => {
		const order = [];
		for (const [n, priority] of ['low', 'normal', 'critical', 'normal', 'high'].entries())
			order.push(await queuedRun(admin, p, { priority, timeout_s: 100 + n }));
		for (const run of order) await becomes(run, { reason: expect.stringContaining('no_agent') });
		const wide = await enrolled({ project_ids: JSON.stringify([p]), capacity: 10 });
		const { agent } = await TestAgent.online(wide, { capacity: 10 });
		await agent.next('offer', 5);
		const got = agent.all('offer').map(({ spec }) => spec as { run_id: number; timeout_s: number });
		expect(got.map(({ run_id }) => run_id)).toEqual([order[2], order[4], order[1], order[3], order[0]]);
		expect(got.map(({ timeout_s }) => timeout_s)).toEqual([102, 104, 101, 103, 100]);
	});

	it('goes only to agents with the labels, and says why the others wait', async () => {
		const { agent: plain } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }), {
			capacity: 1,
		});
		const gpu = await queuedRun(admin, p, { labels: { gpu: 'yes' } });
		await becomes(gpu, { reason: expect.stringContaining('has gpu=yes') });
		await queuedRun(admin, p);
		await plain.offered();
		const first = await queuedRun(admin, p);
		const second = await queuedRun(admin, p);
		// The one that waits for another agent is in nobody's way.
		await becomes(first, { reason: expect.stringContaining('agents_busy') });
		await becomes(second, { reason: expect.stringContaining('1 ahead') });
		const labels = JSON.stringify({ gpu: 'yes', site: 'a' });
		const { agent: fast } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]), labels }));
		expect((await fast.offered()).run_id).toBe(gpu);
	});

	it('starts nothing in a paused project, and goes on when it is active again', async () => {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }), { capacity: 1 });
		const first = await queuedRun(admin, p);
		const writer = await agent.start();
		const second = await queuedRun(admin, p);
		const status = async (to: string) => {
			const { version } = await admin.ok('GET', `/api/projects/${String(p)}`);
			await admin.ok('PATCH', `/api/projects/${String(p)}`, { status: to }, { 'if-match': `"v${String(version)}"` });
		};
		await status('paused');
		await writer.finish();
		await becomes(first, { status: 'success' });
		await becomes(second, { status: 'queued', reason: expect.stringContaining('project_paused') });
		await status('active');
		expect((await agent.offered(2)).run_id).toBe(second);
	});

	const frozen = (fields: object = {}) =>
		admin.ok('POST', '/api/freezes', {
			project_id: p,
			title: 'Payday',
			reason: 'nobody is in',
			start: new Date(Date.now() - 60_000).toISOString(),
			end: new Date(Date.now() + 3_600_000).toISOString(),
			...fields,
		});
	const lift = (freeze: Record<string, unknown>) =>
		admin.ok('DELETE', `/api/freezes/${String(freeze.id)}`, undefined, { 'if-match': `"v${String(freeze.version)}"` });

	it('starts nothing in a freeze, says until when, and goes on when it is lifted', async () => {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const freeze = await frozen();
		const run = await queuedRun(admin, p);
		await becomes(run, {
			status: 'queued',
			reason: JSON.stringify({ code: 'frozen', message: `Frozen until ${String(freeze.end)}: Payday` }),
		});
		await room().look();
		expect(agent.all('offer')).toEqual([]);
		await lift(freeze);
		expect((await agent.offered()).run_id).toBe(run);
	});

	it('starts by itself when the freeze is over', async () => {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const freeze = await frozen();
		const run = await queuedRun(admin, p);
		await becomes(run, { reason: expect.stringContaining('frozen') });
		const over = Date.now() + 1500;
		await admin.ok(
			'PATCH',
			`/api/freezes/${String(freeze.id)}`,
			{ end: new Date(over).toISOString() },
			{ 'if-match': '"v1"' },
		);
		expect((await agent.offered()).run_id).toBe(run);
		expect(Date.now()).toBeGreaterThanOrEqual(over);
	});

	it('is held back by a freeze of all projects, and by one of its own environment only', async () => {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const at = `/api/projects/${String(p)}/environments`;
		const [prod, test] = [
			await admin.ok('POST', at, { name: 'prod', type: 'prod' }),
			await admin.ok('POST', at, { name: 'test', type: 'test' }),
		];
		const inProd = await frozen({ environment_id: prod.id });
		const waits = await queuedRun(admin, p, { environment_id: prod.id, priority: 'critical' });
		await becomes(waits, { reason: expect.stringContaining('frozen') });
		const goes = await queuedRun(admin, p, { environment_id: test.id });
		expect((await agent.offered()).run_id).toBe(goes);
		const everywhere = await frozen({ project_id: null, title: 'Everything' });
		await lift(inProd);
		await becomes(waits, { reason: expect.stringContaining('Everything') });
		await lift(everywhere);
		expect((await agent.offered(2)).run_id).toBe(waits);
	});

	it('lets through what breaks the freeze', async () => {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		await frozen();
		const waits = await queuedRun(admin, p, { priority: 'critical' });
		await becomes(waits, { reason: expect.stringContaining('frozen') });
		const { job_id } = await rowOf(waits);
		const urgent = await admin.ok('POST', `/api/jobs/${String(job_id)}/runs`, { break_freeze: 'the site is down' });
		expect((await agent.offered()).run_id).toBe(urgent.id);
		expect(await rowOf(waits)).toMatchObject({ status: 'queued' });
	});

	it('loses no run whose message was lost: the sweep finds it', async () => {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const job = await queuedRun(admin, p);
		// Begun, or it would be offered again where all this takes longer than an offer is good for.
		const { run: first } = await agent.start();
		expect(first.run_id).toBe(job);
		const row = await rowOf(job);
		await env.DB.prepare(
			'insert into runs (job_id, project_id, triggered_by_id, backend, requested_at, created_at, updated_at) values (?, ?, ?, ?, ?, ?, ?)',
		)
			.bind(row.job_id, p, admin.id, 'local', Date.now(), Date.now(), Date.now())
			.run();
		await sweepRuns(system());
		await sweepRuns(system());
		const second = await agent.offered(2);
		expect(second.run_id).not.toBe(job);
		expect(agent.all('offer')).toHaveLength(2);
	});

	it('keeps its queue over an eviction', async () => {
		const run = await queuedRun(admin, p);
		await becomes(run, { reason: expect.stringContaining('no_agent') });
		await evictDurableObject(room());
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		expect((await agent.offered()).run_id).toBe(run);
	});

	it('gives a whole spec, or none: what cannot be run fails with its reason', async () => {
		const run = await queuedRun(admin, p, { timeout_s: 77 });
		const dispatch = (await loadDispatches(system(), [run])).get(run);
		expect(dispatch?.spec).toMatchObject({
			run_id: run,
			project_id: p,
			timeout_s: 77,
			execution: { backend: 'local', config: {} },
			steps: [{ location_type: 'uploaded', tool: 'shell', size: 11 }],
		});
		await env.DB.prepare(
			"update script_refs set location_type = 'git' where id in (select script_id from job_script_refs where job_id = ?)",
		)
			.bind(dispatch?.spec?.job_id)
			.run();
		await room().queued(run);
		await becomes(run, { status: 'failed', reason: expect.stringContaining('script_missing') });
	});
});

describe('a page', () => {
	it('is told what changes, and resumes after its cursor', async () => {
		const page = await Page.open();
		const { seq, reset } = page.of('welcome')[0] ?? { seq: -1, reset: false };
		expect(reset).toBe(true);
		const job = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, { title: 'seen live', job_type: 'ops' });
		await expect.poll(() => page.changes.some((c) => c.entity === 'job' && c.row?.title === 'seen live')).toBe(true);
		expect(page.changes[0]?.seq).toBe(seq + 1);
		await evictDurableObject(room());
		const back = await Page.open(admin.cookie, seq);
		expect(back.of('welcome')[0]?.reset).toBe(false);
		await expect.poll(() => back.changes.map((c) => c.id)).toContain(job.id);
		const far = await Page.open(admin.cookie, 999_999);
		expect(far.of('welcome')[0]?.reset).toBe(true);
	});

	it('that has just loaded is told what changed since it began to, and loads nothing anew', async () => {
		const first = await Page.open();
		const job = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, { title: 'just before', job_type: 'ops' });
		await expect.poll(() => first.changes.map((c) => c.id)).toContain(job.id);
		const page = await Page.open(admin.cookie, null, p, { age: 1_000 });
		await expect.poll(() => page.changes.map((c) => c.id)).toContain(job.id);
		expect(page.of('welcome')[0]).toMatchObject({ reset: false, seq: page.changes.at(-1)?.seq });
		// So much that to load anew is less.
		await runInDurableObject(room(), (_, { storage }) => {
			const row = JSON.stringify({ id: 1 });
			for (let i = 0; i < 101; i++)
				storage.sql.exec("insert into changes (entity, row_id, body, at) values ('job', 1, ?, ?)", row, Date.now());
		});
		await evictDurableObject(room());
		expect((await Page.open(admin.cookie, null, p, { age: 1_000 })).of('welcome')[0]?.reset).toBe(true);
		for (const age of [-1, 0.5, 600_001, '1']) {
			const { socket } = await Page.open();
			socket.ws.send(JSON.stringify({ type: 'hello', v: 1, since: null, age }));
			await socket.closes(4400);
		}
	});

	it('sees a run go by, from the queue to its end', async () => {
		const page = await Page.open();
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const run = await queuedRun(admin, p);
		const writer = await agent.start();
		await becomes(run, { status: 'running' });
		await writer.finish();
		const statuses = () => page.changes.filter((c) => c.entity === 'run' && c.id === run).map((c) => c.row?.status);
		await expect.poll(statuses).toEqual(expect.arrayContaining(['queued', 'running', 'success']));
		expect(statuses().at(-1)).toBe('success');
		expect(page.changes.filter((c) => c.entity === 'job').at(-1)?.row?.status).toBe('success');
		expect(page.changes.some((c) => c.entity === 'agent' && c.id === agent.id)).toBe(true);
	});

	it('sees who is here and where; nobody stays as a ghost, also not over an eviction', async () => {
		const dev = await person('dev');
		const one = await Page.open();
		const two = await Page.open();
		one.say({ type: 'at', path: '/runs/1' });
		two.say({ type: 'at', path: '/calendar' });
		await expect.poll(() => one.paths).toEqual(['/calendar', '/runs/1']);
		expect(one.of('people').at(-1)?.people[0]).toMatchObject({ user_id: admin.id, name: 'Ada' });
		await evictDurableObject(room());
		one.say({ type: 'at', path: '/runs/2' });
		await expect.poll(() => two.paths).toEqual(['/calendar', '/runs/2']);
		two.socket.ws.close(1000);
		await expect.poll(() => one.paths).toEqual(['/runs/2']);
		await expect(Page.open(dev.cookie)).rejects.toThrow('404');
	});

	it('does not say who it is: the hub does', async () => {
		const page = await Page.open();
		page.say({ type: 'at', path: '/x', user_id: 1, name: 'CEO' });
		await page.socket.closes(4400);
	});

	it.each([
		['no JSON', 'x', 4400],
		['an unknown frame', JSON.stringify({ type: 'changes', changes: [] }), 4400],
		['a long path', JSON.stringify({ type: 'at', path: 'x'.repeat(301) }), 4400],
		['a long frame', 'x'.repeat(5000), 4413],
		['a frame that is long in bytes', '€'.repeat(1400), 4413],
		['bytes', new Uint8Array([1, 2, 3]), 4400],
	])('31: %s closes its socket', async (_name, frame, code) => {
		const page = await Page.open();
		page.socket.ws.send(frame);
		await page.socket.closes(code);
	});

	it('31: a flood closes its socket, and no other', async () => {
		const [quiet, loud] = [await Page.open(), await Page.open()];
		for (let i = 0; i < 500; i++) loud.say({ type: 'at', path: `/${String(i)}` });
		await loud.socket.closes(4429);
		expect(quiet.socket.closed).toBeNull();
		quiet.socket.ws.send('ping');
		await expect.poll(() => quiet.socket.messages.includes('pong')).toBe(true);
	});

	it('4: is closed when the session has ended', async () => {
		const page = await Page.open(await session(admin.id, Date.now() + 1500));
		await expect
			.poll(
				async () => {
					await room().changed([]);
					return page.socket.closed?.code;
				},
				{ timeout: 30_000, interval: 200 },
			)
			.toBe(4401);
	});
});
