import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { newRun, type RunState } from '#durable/core/run-machine.ts';
import { columnsOf } from '#durable/core/run-row.ts';
import { WATCHER_HEADER } from '#durable/watcher.ts';
import { Kind } from '#protocol/run-frames.ts';
import { liveOf } from '#worker/live.ts';
import { applyRun } from '#worker/services/runs/apply.ts';
import { sweepRuns } from '#worker/services/runs/sweep.ts';
import { type Caller, ctxFor, fresh, insert, ORIGIN, person, project, session } from './api-world.ts';
import {
	type AgentIdentity,
	becomes,
	enrolled,
	queuedRun,
	rowOf,
	runOf,
	TestAgent,
	TestSocket,
	Viewer,
	Writer,
} from './live-world.ts';

let ops: Caller;
let p: number;
let identity: AgentIdentity;

beforeEach(async () => {
	const admin = await person('admin');
	ops = admin;
	p = await project(admin);
	identity = await enrolled({ project_ids: JSON.stringify([p]) });
});

const stream = (id: number) => env.RUN_STREAM.getByName(String(id));
const audit = async (id: number) => {
	const rows = env.DB.prepare("select action from audit_logs where object_type = 'Run' and object_id = ? order by id");
	return (await rows.bind(id).all()).results.map((r) => r.action);
};

describe('a run, from the request to its outcome', () => {
	it('is offered, granted, written, watched and finished; the record has it all', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const viewer = await Viewer.open(ops, run);
		const writer = await agent.start();
		await writer.write('hello\n');
		await expect.poll(() => viewer.log()).toBe('hello\n');
		await writer.write('trouble\n', 2);
		const late = await Viewer.open(ops, run);
		await writer.write('bye\n');
		await writer.acked();
		await writer.finish('failed', { reason: { code: 'exit_code', message: 'exit code 1' } });
		await writer.finished();
		for (const v of [viewer, late]) {
			await v.socket.closes(1000);
			expect(v.log()).toBe('hello\ntrouble\nbye\n');
			expect(v.rows.at(-1)).toMatchObject({
				status: 'failed',
				phase: 'done',
				exit_code: 1,
				log_bytes: 18,
				log_lines: 3,
			});
		}
		expect(viewer.rows.map((r) => r.phase)).toEqual(expect.arrayContaining(['granted', 'running', 'done']));
		await becomes(run, { status: 'failed', phase: 'done', agent_id: agent.id, epoch: 1, log_bytes: 18, log_lines: 3 });
		expect(await rowOf(run)).toMatchObject({
			stdout_excerpt: 'hello\nbye\n',
			stderr_excerpt: 'trouble\n',
			log_path: `runs/${String(run)}`,
			exit_code: 1,
		});
		expect(await audit(run)).toEqual(['run.start', 'run.grant', 'run.finish']);
		const job = await env.DB.prepare('select status from jobs where id = (select job_id from runs where id = ?)')
			.bind(run)
			.first('status');
		expect(job).toBe('failed');
		const text = await ops.call('GET', `/api/runs/${String(run)}/log?stream=stderr`);
		expect(text.body).toEqual({ text: 'trouble\n' });
	});

	it('survives an eviction at any point: nothing lost, nothing twice', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		for (let i = 0; i < 12; i++) {
			await writer.write(`line ${String(i)}\n`);
			if (i % 4 === 1) await evictDurableObject(stream(run));
			if (i % 4 === 3) await evictDurableObject(env.AGENT_LINK.getByName(String(agent.id)));
		}
		await writer.acked();
		await evictDurableObject(stream(run));
		await writer.finish();
		await writer.finished();
		const whole = Array.from({ length: 12 }, (_, i) => `line ${String(i)}\n`).join('');
		const viewer = await Viewer.open(ops, run);
		await viewer.socket.closes(1000);
		expect(viewer.log()).toBe(whole);
		const late = await Viewer.open(ops, run, 7);
		await late.socket.closes(1000);
		expect(late.log(7)).toBe(whole.slice(7));
		await becomes(run, { status: 'success', log_bytes: whole.length, log_lines: 12 });
	});
});

describe('the record', () => {
	it('being away stops neither the run nor its log; it is written down once, when it is back', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		await becomes(run, { status: 'running' });
		await env.DB.exec('alter table run_streams rename to run_streams_away');
		try {
			const viewer = await Viewer.open(ops, run);
			await writer.write('while D1 is away\n');
			await writer.finish();
			await writer.finished();
			await viewer.socket.closes(1000);
			expect(viewer.rows.at(-1)).toMatchObject({ status: 'success' });
			// Who saw the end may run it again.
			const again = await ops.call('POST', `/api/runs/${String(run)}/retry`, {});
			expect(again).toMatchObject({ status: 201, body: { retry_of: run } });
			await evictDurableObject(stream(run));
			await runDurableObjectAlarm(stream(run));
			expect(await rowOf(run)).toMatchObject({ status: 'running', phase: 'running' });
		} finally {
			await env.DB.exec('alter table run_streams_away rename to run_streams');
		}
		// Nobody comes by: the alarm is enough.
		await becomes(run, { status: 'success', phase: 'done', log_bytes: 17 });
		expect(await audit(run)).toEqual(['run.start', 'run.grant', 'run.finish']);
	});

	it('being stalled holds up neither the log nor the end; when it goes on all of it is written, once', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const viewer = await Viewer.open(ops, run);
		const writer = await agent.start();
		await becomes(run, { status: 'running' });
		const { promise: stalled, resolve: goOn } = Promise.withResolvers<null>();
		const D1 = Object.getPrototypeOf(env.DB) as D1Database;
		const { batch } = D1;
		const spy = vi.spyOn(D1, 'batch').mockImplementation(async function (this: D1Database, all) {
			await stalled;
			return batch.call(this, all) as never;
		});
		try {
			await writer.write('while D1 is stalled\n');
			await writer.finish();
			await writer.finished();
			await viewer.socket.closes(1000);
			expect(viewer.log()).toBe('while D1 is stalled\n');
			expect(viewer.rows.at(-1)).toMatchObject({ status: 'success' });
			await expect.poll(() => spy.mock.calls.length).toBeGreaterThan(0);
			expect(await rowOf(run)).toMatchObject({ status: 'running' });
		} finally {
			goOn(null);
			spy.mockRestore();
		}
		await becomes(run, { status: 'success', phase: 'done', log_bytes: 20 });
		expect(await audit(run)).toEqual(['run.start', 'run.grant', 'run.finish']);
	});

	it('is written in order and each change once, however often and late it is told', async () => {
		const run = await queuedRun(ops, p);
		const row = { id: run, project_id: p };
		const ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } });
		const end = { offset: 0, out: 0, lines: 0, open: 0, frames: 0 };
		const none = { stdout_excerpt: null, stderr_excerpt: null };
		const now = new Date().toISOString();
		const running: RunState = { ...newRun, step: 'running', status: 'running', epoch: 1, started_at: now };
		const done: RunState = { ...running, step: 'done', status: 'failed', exit_code: 7, finished_at: now };
		const granted = { seq: 1, audit: { action: 'run.grant' as const, metadata: {} } };
		const finished = { seq: 2, audit: { action: 'run.finish' as const, metadata: { status: 'failed' } } };
		await applyRun(ctx, row, [granted], columnsOf(run, running, end, none, []));
		// The reply was lost, and meanwhile there is more to say.
		await applyRun(ctx, row, [granted, finished], columnsOf(run, done, end, none, []));
		await applyRun(ctx, row, [granted, finished], columnsOf(run, done, end, none, []));
		// What was sent first and arrives last.
		await applyRun(ctx, row, [granted], columnsOf(run, running, end, none, []));
		expect(await rowOf(run)).toMatchObject({ status: 'failed', exit_code: 7 });
		expect(await audit(run)).toEqual(['run.start', 'run.grant', 'run.finish']);
		const job = 'select status from jobs where id = (select job_id from runs where id = ?)';
		expect(await env.DB.prepare(job).bind(run).first('status')).toBe('failed');
	});

	it('has the job follow its latest run only', async () => {
		const { agent } = await TestAgent.online(identity);
		const first = await queuedRun(ops, p);
		const job_id = Number((await rowOf(first)).job_id);
		const one = await agent.start(1);
		const second = await runOf(ops, job_id);
		const two = await agent.start(2);
		await becomes(second, { status: 'running' });
		await one.finish('failed');
		await becomes(first, { status: 'failed' });
		const job = () => env.DB.prepare('select status from jobs where id = ?').bind(job_id).first('status');
		expect(await job()).toBe('running');
		await two.finish();
		await becomes(second, { status: 'success' });
		expect(await job()).toBe('success');
	});
});

describe('what comes twice, early or under an older version', () => {
	/** Every alarm of the run's stream, its agent's link and its project's room, whether it is due or not, and again. */
	const ringAll = async (run: number) => {
		for (let times = 0; times < 2; times++) {
			await runInDurableObject(stream(run), (it) => it.alarm());
			await runInDurableObject(env.AGENT_LINK.getByName(String(identity.id)), (it) => it.alarm());
			await runInDurableObject(env.PROJECT_ROOM.getByName(String(p)), (it) => it.alarm());
		}
	};

	it('alarms that ring at every step, twice, change nothing of a run', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const at = await agent.offered();
		await ringAll(run);
		agent.say({ type: 'accept', ...at, need: [] });
		await agent.next('grant');
		await ringAll(run);
		agent.say({ type: 'started', ...at, at: new Date().toISOString() });
		const writer = new Writer(agent, at);
		for (const text of ['one\n', 'two\n', 'three\n']) {
			await writer.write(text);
			await ringAll(run);
		}
		await writer.acked();
		await writer.finish();
		await ringAll(run);
		await writer.finished();
		await ringAll(run);
		await becomes(run, { status: 'success', phase: 'done', epoch: 1, log_bytes: 14 });
		expect(agent.all('offer')).toHaveLength(1);
		expect(agent.all('grant')).toHaveLength(1);
		expect(agent.socket.closed).toBeNull();
		expect(await audit(run)).toEqual(['run.start', 'run.grant', 'run.finish']);
	});

	it('finishes that are repeated, or say otherwise afterwards, leave the first', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		await writer.write('all\n');
		for (const outcome of ['failed', 'failed', 'success', 'lost'] as const) await writer.finish(outcome);
		await expect.poll(() => agent.all('finished').length + agent.all('lease').length).toBe(4);
		await becomes(run, { status: 'failed', phase: 'done', exit_code: 1, log_bytes: 4 });
		expect(await audit(run)).toEqual(['run.start', 'run.grant', 'run.finish']);
	});

	it.each([
		[2, 1],
		[1, 2],
	])('an agent of protocol %i comes back in the middle of a run with protocol %i, and goes on', async (first, then) => {
		const { agent } = await TestAgent.online(identity, { v: first });
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		if (first === 2) await writer.record({ type: 'step_started', n: 1, host: null, name: 'script', tool: 'shell' });
		await writer.write('before\n');
		await writer.acked();
		agent.socket.ws.close(1000);
		const back = await TestAgent.connect(identity, {
			v: then,
			runs: [{ ...writer.run, phase: 'started', last_seq: writer.seq }],
		});
		expect((await back.next('welcome')).runs).toMatchObject([{ action: 'resume', next_seq: writer.seq + 1 }]);
		writer.agent = back;
		await writer.write('after\n');
		await writer.finish();
		await writer.finished();
		await becomes(run, { status: 'success', log_bytes: 13, epoch: 1 });
	});
});

describe('cancel', () => {
	it('of a queued run ends it at once; nobody is offered it any more', async () => {
		const run = await queuedRun(ops, p);
		const viewer = await Viewer.open(ops, run);
		await becomes(run, { status: 'queued', reason: expect.stringContaining('no_agent') });
		await ops.ok('POST', `/api/runs/${String(run)}/cancel`, {});
		await viewer.socket.closes(1000);
		expect(viewer.rows.at(-1)).toMatchObject({ status: 'canceled' });
		await becomes(run, { status: 'canceled', phase: 'done' });
		const { agent } = await TestAgent.online(identity);
		const next = await queuedRun(ops, p);
		expect((await agent.offered()).run_id).toBe(next);
	});

	it('whose message was lost is found by the sweep', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		await agent.start();
		await becomes(run, { status: 'running' });
		await env.DB.prepare('update runs set cancel_requested_at = ? where id = ?').bind(Date.now(), run).run();
		await sweepRuns(ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { live: liveOf(env) }));
		await agent.next('cancel');
	});

	it('racing the finish leaves one final state, the agent’s', async () => {
		const { agent } = await TestAgent.online(identity);
		const runs = [];
		for (let i = 1; i <= 4; i++) {
			const run = await queuedRun(ops, p);
			runs.push(run);
			const writer = await agent.start(i);
			await Promise.all([
				ops.call('POST', `/api/runs/${String(run)}/cancel`, { body: {} }),
				writer.finish(i % 2 === 0 ? 'success' : 'canceled'),
			]);
			await writer.finished();
		}
		for (const [i, run] of runs.entries())
			await becomes(run, { status: i % 2 === 1 ? 'success' : 'canceled', phase: 'done' });
	});
});

describe('a viewer', () => {
	it('33: may only read: any frame but a ping closes its socket and changes nothing', async () => {
		const run = await queuedRun(ops, p);
		const viewer = await Viewer.open(ops, run);
		viewer.socket.ws.send('ping');
		await expect.poll(() => viewer.socket.messages.includes('pong')).toBe(true);
		for (const frame of [JSON.stringify({ type: 'cancel' }), new Uint8Array([1, 1, 0, 0]), 'x'.repeat(2_000_000)]) {
			const hostile = await Viewer.open(ops, run);
			hostile.socket.ws.send(frame);
			await hostile.socket.closes(4400);
		}
		expect(viewer.socket.closed).toBeNull();
		expect(await rowOf(run)).toMatchObject({ status: 'queued' });
	});

	it('31: that floods is let go, and no other: a calm one still gets its pong', async () => {
		const run = await queuedRun(ops, p);
		const [calm, loud] = [await Viewer.open(ops, run), await Viewer.open(ops, run)];
		for (let i = 0; i < 200; i++) loud.socket.ws.send('ping');
		await loud.socket.closes(4429);
		expect(loud.socket.closed?.reason).toBe('too many frames');
		expect(loud.socket.messages.filter((m) => m === 'pong').length).toBeLessThan(30);
		calm.socket.ws.send('ping');
		await expect.poll(() => calm.socket.messages.includes('pong')).toBe(true);
		expect(calm.socket.closed).toBeNull();
	});

	it('joins at any byte of a log of any age', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		await writer.write('héllo\n');
		await writer.write('wörld\n', 2);
		await writer.acked();
		const live = await Viewer.open(ops, run, 3);
		await expect.poll(() => live.frames.length).toBeGreaterThanOrEqual(3);
		await writer.write('end\n');
		await writer.finish();
		await writer.finished();
		const whole = 'héllo\nwörld\nend\n';
		const tail = (from: number) => new TextDecoder().decode(new TextEncoder().encode(whole).slice(from));
		await live.socket.closes(1000);
		expect(live.log(3)).toBe(tail(3));
		for (const from of [0, 1, 6, 7, 13, 18]) {
			const late = await Viewer.open(ops, run, from);
			await late.socket.closes(1000);
			expect(late.log(from)).toBe(tail(from));
			expect(late.rows[0]).toMatchObject({ status: 'success', log_bytes: 18 });
		}
		const beyond = await Viewer.open(ops, run, 999_999);
		await beyond.socket.closes(1000);
		expect(beyond.frames.every((f) => f.kind === Kind.status)).toBe(true);
		const bad = { cookie: ops.cookie, origin: ORIGIN };
		await expect(TestSocket.open(`/live/runs/${String(run)}?from=-1`, bad)).rejects.toThrow('400');
	});

	it('4: is let go when the session ends', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		const viewer = await Viewer.open({ ...ops, cookie: await session(ops.id, Date.now() + 1500) }, run);
		await expect
			.poll(
				async () => {
					await writer.write('tick\n');
					return viewer.socket.closed?.code;
				},
				{ timeout: 30_000, interval: 200 },
			)
			.toBe(4401);
	});

	it('4: is let go soon after its person signed out or lost access to the project', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		const reader = await person('dev');
		const group_id = await insert('groups', { name: fresh('group ') });
		await insert('group_users', { group_id, user_id: reader.id });
		await insert('project_groups', { project_id: p, group_id, access: 'read' });
		const leaving = await person('admin');
		const viewers = await Promise.all([ops, reader, leaving].map((who) => Viewer.open(who, run)));
		await env.DB.prepare('delete from group_users where group_id = ?').bind(group_id).run();
		await leaving.ok('POST', '/api/auth/logout', {}, { origin: ORIGIN });
		const now = Date.now;
		Date.now = () => now() + 31_000;
		try {
			await writer.write('for those who may see it\n');
			await viewers[1]?.socket.closes(4403);
			await viewers[2]?.socket.closes(4401);
		} finally {
			Date.now = now;
		}
		await expect.poll(() => viewers[0]?.log()).toBe('for those who may see it\n');
		expect(viewers[0]?.socket.closed).toBeNull();
	});

	it('1, 6: without the right, the session or this hub’s origin is refused before the handshake', async () => {
		const run = await queuedRun(ops, p);
		const stranger = await person('dev');
		const open = (headers: Record<string, string>) => TestSocket.open(`/live/runs/${String(run)}`, headers);
		await expect(open({ cookie: stranger.cookie, origin: ORIGIN })).rejects.toThrow('404');
		await expect(open({ origin: ORIGIN })).rejects.toThrow('401');
		for (const origin of ['https://evil.example', 'null', `${ORIGIN}.evil.example`])
			await expect(open({ cookie: ops.cookie, origin })).rejects.toThrow('403');
		await expect(open({ cookie: ops.cookie })).rejects.toThrow('403');
		const forged = {
			[WATCHER_HEADER]: encodeURIComponent(
				JSON.stringify({ user_id: 1, name: 'x', proof: { kind: 'session', id: 1 }, expires_at: 9e15 }),
			),
		};
		await expect(open({ ...forged, origin: ORIGIN })).rejects.toThrow('401');
	});
});
