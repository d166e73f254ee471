import { env } from 'cloudflare:workers';
import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SEND_MS } from '#durable/core/run-machine.ts';
import { FRAME_MAX } from '#protocol/close-codes.ts';
import { decodeBlob, encodeChunk, encodeFrame, Kind } from '#protocol/run-frames.ts';
import { type Caller, person, project } from './api-world.ts';
import { type AgentIdentity, becomes, enrolled, queuedRun, rowOf, TestAgent } from './live-world.ts';

let admin: Caller;
let p: number;
let identity: AgentIdentity;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
	identity = await enrolled({ project_ids: JSON.stringify([p]) });
});

describe('38: agents speak of their own runs only', () => {
	it('agent B speaking of agent A’s run, or of an old epoch, changes nothing', async () => {
		const { agent: a } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		const writer = await a.start();
		await writer.write('mine\n');
		await writer.acked();
		const { agent: b } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const forge = (agent: TestAgent, epoch: number) => {
			const at = { run_id: run, epoch };
			const now = new Date().toISOString();
			agent.say({ type: 'accept', ...at, need: [] });
			agent.say({ type: 'started', ...at, at: now });
			agent.say({ type: 'refuse', ...at, reason: { code: 'refused_by_policy', message: 'forged' } });
			const frame = encodeFrame({ kind: Kind.log, stream: 1, offset: 5, t_ms: 1, payload: new Uint8Array([65]) });
			agent.say(encodeChunk({ ...at, seq: 2, sha256: new Uint8Array(32), frame }));
			const end = { outcome: 'failed', exit_code: 1, reason: null, started_at: now, exited_at: now } as const;
			agent.say({ type: 'finish', ...at, ...end, last_seq: 1, bytes: 5, sha256: '0'.repeat(64) });
		};
		forge(b, 1);
		forge(b, 2);
		forge(a, 0);
		await expect.poll(() => b.all('lease').length).toBe(10);
		await expect.poll(() => a.all('lease').length).toBe(5);
		expect(b.all('lease').every((l) => l.runs.every((r) => r.desired === 'drop'))).toBe(true);
		await writer.write('and mine\n');
		await writer.finish();
		await writer.finished();
		await becomes(run, { status: 'success', agent_id: identity.id, log_bytes: 14 });
	});

	it('an agent that names another’s run in its hello is told to drop it', async () => {
		const { agent: a } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		await a.start();
		await becomes(run, { status: 'running' });
		const phases = ['accepted', 'not_started', 'started', 'exited', 'lost'] as const;
		for (const phase of phases) {
			const other = await enrolled({ project_ids: JSON.stringify([p]) });
			const { welcome } = await TestAgent.online(other, { runs: [{ run_id: run, epoch: 1, phase, last_seq: 0 }] });
			expect(welcome.runs).toEqual([expect.objectContaining({ run_id: run, action: 'drop' })]);
		}
		expect(await rowOf(run)).toMatchObject({ status: 'running', agent_id: identity.id });
	});

	it('is not offered what is outside its scope', async () => {
		const other = await project(admin);
		const { agent } = await TestAgent.online(identity);
		const outside = await queuedRun(admin, other);
		const inside = await queuedRun(admin, p);
		expect((await agent.offered()).run_id).toBe(inside);
		await becomes(outside, { status: 'queued', reason: expect.stringContaining('no_agent') });
		expect(agent.all('offer')).toHaveLength(1);
	});
});

describe('31: frames of an agent', () => {
	it.each([
		['over 1 MiB', () => 'x'.repeat(FRAME_MAX + 1), 4413],
		['over 1 MiB in bytes, whatever it is in characters', () => 'é'.repeat(FRAME_MAX / 2 + 1), 4413],
		['binary over 1 MiB', () => new Uint8Array(FRAME_MAX + 1), 4413],
		['that are no JSON', () => 'no json', 4400],
		['of an unknown type', () => JSON.stringify({ type: 'root' }), 4400],
		['with an unknown field', () => JSON.stringify({ type: 'pong', nonce: 'x', more: 1 }), 4400],
		['that are no chunk', () => new Uint8Array(10), 4400],
		['that say hello twice', () => JSON.stringify({ type: 'pong', nonce: 'x' }).replace('pong', 'hello'), 4400],
	])('%s close the socket', async (_name, make, code) => {
		const { agent } = await TestAgent.online(identity);
		agent.say(make());
		await agent.socket.closes(code);
	});

	it('in floods close the socket', async () => {
		const { agent } = await TestAgent.online(identity);
		for (let i = 0; i < 1000; i++) agent.say({ type: 'heartbeat', runs: [], host: null });
		await agent.socket.closes(4429);
		expect(agent.all('lease').length).toBeLessThan(600);
	});

	it('48: more unacknowledged than allowed closes the socket; nothing of another run is touched', async () => {
		const { agent } = await TestAgent.online(identity);
		const quiet = await queuedRun(admin, p);
		const quietly = await agent.start(1);
		await quietly.write('still here\n');
		await quietly.acked();
		await queuedRun(admin, p);
		const loud = await agent.start(2);
		const chunks: Uint8Array[] = [];
		for (let i = 0; i < 10; i++) chunks.push(await loud.chunk(new Uint8Array(262_144).fill(65)));
		// The first is kept back, so that nothing of it can be acknowledged.
		for (const chunk of chunks.slice(1)) agent.say(chunk);
		await agent.socket.closes(4429);
		const back = await TestAgent.connect(identity, {
			runs: [
				{ ...quietly.run, phase: 'started', last_seq: 1 },
				{ ...loud.run, phase: 'started', last_seq: 10 },
			],
		});
		const { runs } = await back.next('welcome');
		let next = runs.find((r) => r.run_id === loud.run.run_id)?.next_seq ?? 0;
		quietly.agent = loud.agent = back;
		for (const chunk of chunks.slice(next - 1)) {
			back.say(chunk);
			await loud.acked(next++);
		}
		await loud.acked(10);
		await loud.finish();
		await quietly.finish();
		await loud.finished();
		await becomes(quiet, { status: 'success', log_bytes: 11 });
		await becomes(loud.run.run_id, { status: 'success', log_bytes: 10 * 262_144 });
	});
});

it('48: packed counts what it is, and a quarter of what it holds at least', async () => {
	const { agent } = await TestAgent.online(identity, { v: 4 });
	await queuedRun(admin, p);
	const writer = await agent.start(1);
	for (let n = 0; n < 20; n++) await writer.packed('x'.repeat(262_144));
	// The first is kept back, so that nothing of it can be acknowledged. Each holds 256 KiB and is next to nothing itself.
	for (const chunk of writer.chunks.slice(1, 17)) agent.say(chunk);
	agent.say({ type: 'heartbeat', runs: [writer.run], host: null });
	await agent.next('lease');
	expect(agent.socket.closed).toBeNull();
	agent.say(writer.chunks[17] ?? '');
	await agent.socket.closes(4429);
});

describe('scripts', () => {
	it('the agent lacks are sent before the grant, whole', async () => {
		const { agent } = await TestAgent.online(identity);
		await queuedRun(admin, p);
		const run = await agent.offered();
		const { spec } = await agent.next('offer');
		const [step] = (spec as { steps: { sha256: string; size: number }[] }).steps;
		agent.say({ type: 'accept', ...run, need: [step?.sha256 ?? ''] });
		await agent.next('grant');
		const at = agent.socket.messages.findIndex((m) => m instanceof Uint8Array);
		const blob = decodeBlob(agent.socket.messages[at] as Uint8Array);
		expect(new TextDecoder().decode(blob.payload)).toBe('echo hello\n');
		expect(blob.total).toBe(step?.size);
		expect(agent.socket.messages.slice(at + 1).some((m) => typeof m === 'string' && m.includes('"grant"'))).toBe(true);
	});

	it('39: an agent that asks for content of no script of the run gets nothing', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		agent.say({ type: 'accept', ...(await agent.offered()), need: ['0'.repeat(64)] });
		await becomes(run, { status: 'failed' });
		expect(agent.all('grant')).toEqual([]);
		expect(agent.socket.messages.filter((m) => m instanceof Uint8Array)).toEqual([]);
	});

	it('are sent when the store is back; till then the run waits, and the agent’s others have no part in it', async () => {
		const { agent } = await TestAgent.online(identity);
		const beside = await queuedRun(admin, p);
		const writer = await agent.start();
		const run = await queuedRun(admin, p);
		const offered = await agent.offered(2);
		const { spec } = await agent.next('offer', 2);
		const sha256 = (spec as { steps: { sha256: string }[] }).steps[0]?.sha256 ?? '';
		const away = vi
			.spyOn(Object.getPrototypeOf(env.STORE) as R2Bucket, 'get')
			.mockRejectedValue(new Error('R2 is away'));
		agent.say({ type: 'accept', ...offered, need: [sha256] });
		await expect.poll(() => away.mock.calls.length).toBe(1);
		await writer.write('undisturbed\n');
		await writer.acked();
		expect(agent.all('grant').map((g) => g.run_id)).toEqual([beside]);
		away.mockRestore();
		// Its time to be sent is over.
		await runInDurableObject(env.RUN_STREAM.getByName(String(run)), async (stream, state) => {
			const now = Date.now;
			Date.now = () => now() + SEND_MS;
			try {
				await stream.underWay();
			} finally {
				Date.now = now;
			}
			return state;
		});
		const again = await agent.offered(3);
		expect(again).toEqual({ run_id: run, epoch: offered.epoch + 1 });
		agent.say({ type: 'accept', ...again, need: [sha256] });
		await agent.next('grant', 2);
		expect(agent.socket.closed).toBeNull();
		await writer.finish();
		await writer.finished();
		await becomes(beside, { status: 'success' });
	});

	it('whose content is gone fail the run before it starts', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(admin, p);
		const offered = await agent.offered();
		const { spec } = await agent.next('offer');
		const sha256 = (spec as { steps: { sha256: string }[] }).steps[0]?.sha256 ?? '';
		await env.STORE.delete(`scripts/${String(p)}/${sha256}`);
		agent.say({ type: 'accept', ...offered, need: [sha256] });
		await becomes(run, { status: 'failed', reason: expect.stringContaining('script_missing') });
		expect(agent.all('grant')).toEqual([]);
	});
});
