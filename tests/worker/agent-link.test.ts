import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, person, project } from './api-world.ts';
import {
	type AgentIdentity,
	becomes,
	enrolled,
	newBoot,
	queuedRun,
	rowOf,
	TestAgent,
	TestSocket,
	Viewer,
} from './live-world.ts';

let admin: Caller;
let p: number;
let identity: AgentIdentity;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
	identity = await enrolled({ project_ids: JSON.stringify([p]) });
});

const link = (id = identity.id) => env.AGENT_LINK.getByName(String(id));
const statusOf = (id = identity.id) =>
	env.DB.prepare('select status from agents where id = ?').bind(id).first('status');
const setStatus = async (status: string) => {
	await env.DB.prepare('update agents set status = ? where id = ?').bind(status, identity.id).run();
	await link().refresh();
};

describe('hello', () => {
	it('welcomes who holds the key, shows it online, and offline when it is gone', async () => {
		const { agent, welcome } = await TestAgent.online(identity);
		expect(welcome).toMatchObject({ runs: [], heartbeat_s: 15, lease_s: 60 });
		const row = await env.DB.prepare('select * from agents where id = ?').bind(identity.id).first();
		expect(row).toMatchObject({ agent_version: '0.1.0', version: 1 });
		agent.socket.ws.close(1000);
		await expect.poll(() => statusOf()).toBe('offline');
	});

	it.each([
		['another agent’s key', async () => TestAgent.connect({ ...identity, key: (await enrolled()).key })],
		['another agent’s id', async () => TestAgent.connect(await enrolled(), { speaksFor: identity.id })],
		['a signature for another host', () => TestAgent.connect(identity, { host: 'evil.example' })],
	])('turns away %s', async (_name, connect) => {
		const agent = await connect();
		await agent.socket.closes(4401);
		expect(agent.all('welcome')).toEqual([]);
		expect(await statusOf()).toBe('offline');
	});

	it('turns away a signature over another connection’s challenge', async () => {
		const one = await TestSocket.open(`/live/agent?agent=${String(identity.id)}`);
		const two = await TestAgent.connect(identity);
		await two.next('welcome');
		const hello = { type: 'hello', v: 1, agent_id: identity.id, boot_id: newBoot(), signature: 'A'.repeat(86) };
		const rest = { version: '1', labels: {}, capacity: 1, abilities: { backends: [], tools: {} }, runs: [] };
		one.ws.send(JSON.stringify({ ...hello, ...rest }));
		await one.closes(4401);
		expect(two.socket.closed).toBeNull();
	});

	it.each([
		['pending', 'an admin has to confirm this agent first'],
		['revoked', 'this agent is revoked'],
		['quarantined', 'this agent is quarantined'],
	])('tells an agent that is %s why it may not come in', async (status, reason) => {
		await setStatus(status);
		const agent = await TestAgent.connect(identity);
		await agent.socket.closes(4403);
		expect(agent.socket.closed?.reason).toBe(reason);
	});

	it('turns away a protocol it does not speak', async () => {
		const agent = await TestAgent.connect(identity, { v: 99 });
		await agent.socket.closes(4403);
	});

	it('closes who stays silent, and who speaks before hello', async () => {
		const silent = await TestSocket.open(`/live/agent?agent=${String(identity.id)}`);
		const early = await TestSocket.open(`/live/agent?agent=${String(identity.id)}`);
		early.ws.send(JSON.stringify({ type: 'pong', nonce: 'x' }));
		await early.closes(4401);
		await runInDurableObject(link(), (_object, state) => {
			for (const ws of state.getWebSockets())
				ws.serializeAttachment({ ...(ws.deserializeAttachment() as object), since: Date.now() - 6000 });
			state.storage.sql.exec('update timers set at = 0');
		});
		await evictDurableObject(link());
		await runDurableObjectAlarm(link());
		await silent.closes(4401);
	});

	it('knows only agents there are, and takes only WebSockets', async () => {
		await expect(TestSocket.open('/live/agent?agent=999999')).rejects.toThrow('404');
		await expect(TestSocket.open('/live/agent?agent=x')).rejects.toThrow('404');
	});

	it('keeps at most a few connections that have said nothing', async () => {
		const sockets = [];
		for (let i = 0; i < 10; i++) sockets.push(await TestSocket.open(`/live/agent?agent=${String(identity.id)}`));
		await sockets[9]?.closes(4429);
	});
});

describe('37: a key in two places', () => {
	it('quarantines the agent when both live', async () => {
		const { agent: one } = await TestAgent.online(identity);
		const answer = async () => {
			one.say({ type: 'pong', nonce: (await one.next('ping')).nonce });
		};
		const [two] = await Promise.all([TestAgent.connect(identity), answer()]);
		await two.socket.closes(4403);
		await one.socket.closes(4403);
		await expect.poll(() => statusOf()).toBe('quarantined');
		const audit = await env.DB.prepare(
			"select action, actor_kind from audit_logs where object_type = 'Agent' and object_id = ?",
		)
			.bind(identity.id)
			.all();
		expect(audit.results).toEqual([{ action: 'agent.quarantine', actor_kind: 'system' }]);
		const third = await TestAgent.connect(identity);
		await third.socket.closes(4403);
	});

	it('lets a restarted agent in when the old connection is dead', async () => {
		const { agent: one } = await TestAgent.online(identity);
		const two = await TestAgent.connect(identity);
		await two.next('welcome');
		await one.socket.closes(4409);
		expect(await statusOf()).toBe('online');
	});

	it('lets the same process back in at once', async () => {
		const boot_id = newBoot();
		const { agent: one } = await TestAgent.online(identity, { boot_id });
		const two = await TestAgent.connect(identity, { boot_id });
		await two.next('welcome');
		await one.socket.closes(4409);
		expect(one.all('ping')).toEqual([]);
	});

	it('of two hellos at once one stays', async () => {
		const boot_id = newBoot();
		const agents = await Promise.all([1, 2, 3].map(() => TestAgent.connect(identity, { boot_id })));
		await expect.poll(() => agents.filter((a) => a.socket.closed?.code === 4409).length).toBe(2);
		expect(agents.filter((a) => a.socket.closed === null)).toHaveLength(1);
	});
});

it('an agent that is revoked is thrown out at once, and its run is lost', async () => {
	const { agent } = await TestAgent.online(identity);
	const run = await queuedRun(admin, p);
	await agent.start();
	await becomes(run, { status: 'running' });
	await admin.ok('POST', `/api/agents/${String(identity.id)}/revoke`, {});
	await agent.socket.closes(4403);
	await becomes(run, { status: 'lost', phase: 'done' });
	expect(JSON.parse(String((await rowOf(run)).reason))).toMatchObject({ code: 'agent_revoked' });
});

it('an agent that is quarantined by hand is thrown out at once, and kept out', async () => {
	const { agent } = await TestAgent.online(identity);
	await admin.ok('POST', `/api/agents/${String(identity.id)}/quarantine`, {});
	await agent.socket.closes(4403);
	expect(await statusOf()).toBe('quarantined');
	await queuedRun(admin, p);
	const again = await TestAgent.connect(identity);
	await again.socket.closes(4403);
	expect(again.socket.closed?.reason).toBe('this agent is quarantined');
	expect([agent, again].flatMap((each) => each.all('offer'))).toEqual([]);
});

it('keeps the host’s report once a minute, and answers each heartbeat with what its runs should do', async () => {
	const { agent } = await TestAgent.online(identity);
	await queuedRun(admin, p);
	const writer = await agent.start();
	const host = {
		...{
			snapshot_time: '2001-01-01T00:00:00.000Z',
			cpu_cores: 2,
			cpu_load_1m: 0.5,
			cpu_load_5m: 0.5,
			cpu_load_15m: 0.5,
		},
		...{ ram_total_gib: 4, ram_used_gib: 1, disk_path: '/', disk_total_gib: 10, disk_used_gib: 5, disk_free_gib: 5 },
	};
	const stale = { ...writer.run, epoch: 0 };
	for (let i = 0; i < 3; i++) agent.say({ type: 'heartbeat', runs: [writer.run, stale], host });
	const { runs } = await agent.next('lease', 3);
	expect(runs.map((r) => r.desired)).toEqual(['run', 'drop']);
	const kept = () =>
		env.DB.prepare('select snapshot_time from server_statuses where agent_id = ?').bind(identity.id).all();
	await expect.poll(async () => (await kept()).results.length).toBe(1);
	expect(Number((await kept()).results[0]?.snapshot_time)).toBeGreaterThan(Date.now() - 60_000);
});

describe('a run whose agent goes away', () => {
	it('before the grant is given to another agent; the late answer of the first is dropped', async () => {
		const { agent: one } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		const offered = await one.offered();
		const { agent: two } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		one.socket.ws.close(1000);
		const writer = await two.start();
		expect(writer.run).toEqual({ run_id: run, epoch: 2 });
		const back = await TestAgent.connect(identity, { runs: [{ ...offered, phase: 'accepted', last_seq: 0 }] });
		expect((await back.next('welcome')).runs).toMatchObject([{ action: 'drop' }]);
		await writer.finish();
		await becomes(run, { status: 'success', agent_id: two.id, epoch: 2 });
	});

	it('after the grant is shown as disconnected, resumes where the log ends, and ends as the agent says', async () => {
		const { agent: one } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		const viewer = await Viewer.open(admin, run);
		const writer = await one.start();
		await writer.write('before\n');
		await writer.acked();
		const unsent = await writer.chunk('while it was away\n');
		one.socket.ws.close(1000);
		await becomes(run, { status: 'running', phase: 'disconnected' });
		const back = await TestAgent.connect(identity, { runs: [{ ...writer.run, phase: 'started', last_seq: 2 }] });
		expect((await back.next('welcome')).runs).toEqual([{ ...writer.run, action: 'resume', next_seq: 2 }]);
		writer.agent = back;
		back.say(unsent);
		await writer.acked(2);
		await writer.finish();
		await writer.finished();
		await viewer.socket.closes(1000);
		expect(viewer.log()).toBe('before\nwhile it was away\n');
		expect(viewer.rows.map((r) => r.phase)).toContain('disconnected');
		await becomes(run, { status: 'success' });
	});

	it('while the record is away is shown as gone when that is back, though nobody comes by', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		await agent.start();
		await becomes(run, { status: 'running' });
		await env.DB.exec(
			"create trigger away before update on agents when new.status = 'offline' begin select raise(abort, 'away'); end",
		);
		try {
			agent.socket.ws.close(1000);
			await becomes(run, { phase: 'disconnected' });
		} finally {
			await env.DB.exec('drop trigger away');
		}
		await runInDurableObject(link(), (_, state) => {
			state.storage.sql.exec("update timers set at = 0 where name = 'away'");
		});
		await evictDurableObject(link());
		await runDurableObjectAlarm(link());
		await expect.poll(() => statusOf()).toBe('offline');
		expect(await rowOf(run)).toMatchObject({ status: 'running', phase: 'disconnected' });
	});

	it('is lost when the agent comes back without any trace of it', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		await agent.start();
		agent.socket.ws.close(1000);
		await becomes(run, { phase: 'disconnected' });
		await (await TestAgent.connect(identity)).next('welcome');
		await becomes(run, { status: 'lost', reason: expect.stringContaining('agent_lost') });
	});

	it('silent for longer than its lease, it is treated as gone', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		await agent.start();
		await becomes(run, { status: 'running' });
		await runInDurableObject(link(), (object, state) => {
			state.storage.sql.exec("update timers set at = 0 where name = 'lease'");
			return object;
		});
		await evictDurableObject(link());
		await runDurableObjectAlarm(link());
		expect(await statusOf()).toBe('online');
		const now = Date.now;
		await runInDurableObject(link(), (object, state) => {
			state.storage.sql.exec("update timers set at = 0 where name = 'lease'");
			return object;
		});
		// It sleeps beside a silent agent, and does not wake to a new lease.
		await evictDurableObject(link());
		Date.now = () => now() + 61_000;
		try {
			await runInDurableObject(link(), (object) => object.alarm());
		} finally {
			Date.now = now;
		}
		await agent.socket.closes(4401);
		await expect.poll(() => statusOf()).toBe('offline');
	});
});

describe('capacity', () => {
	it('is the link’s to say: never more runs than slots, and the next comes when one is free', async () => {
		const { agent } = await TestAgent.online(identity, { capacity: 2 });
		const runs = [await queuedRun(admin, p), await queuedRun(admin, p), await queuedRun(admin, p)];
		const first = await agent.start(1);
		await agent.start(2);
		await becomes(runs[2] ?? 0, { status: 'queued', reason: expect.stringContaining('agents_busy') });
		expect(agent.all('offer')).toHaveLength(2);
		await evictDurableObject(link());
		await first.finish();
		const third = await agent.start(3);
		expect(third.run.run_id).toBe(runs[2]);
		await becomes(runs[2] ?? 0, { status: 'running', reason: null });
	});

	it('is also what people allow: an admin’s lower limit holds', async () => {
		const narrow = await enrolled({ project_ids: JSON.stringify([p]), capacity: 1 });
		const { agent } = await TestAgent.online(narrow, { capacity: 50 });
		await queuedRun(admin, p);
		const second = await queuedRun(admin, p);
		await becomes(second, { reason: expect.stringContaining('agents_busy') });
		expect(agent.all('offer')).toHaveLength(1);
	});
});

it('a cancel reaches the agent, is repeated with every heartbeat, and is over only when the agent says so', async () => {
	const { agent } = await TestAgent.online(identity);
	const run = await queuedRun(admin, p);
	const writer = await agent.start();
	await becomes(run, { status: 'running' });
	await admin.ok('POST', `/api/runs/${String(run)}/cancel`, {});
	await agent.next('cancel');
	await becomes(run, { status: 'running', phase: 'canceling' });
	agent.say({ type: 'heartbeat', runs: [writer.run], host: null });
	expect((await agent.next('lease')).runs).toEqual([{ ...writer.run, desired: 'cancel' }]);
	await writer.finish('canceled', { exit_code: null, reason: { code: 'canceled_by_user', message: 'Canceled.' } });
	await writer.finished();
	await becomes(run, { status: 'canceled', phase: 'done' });
});
