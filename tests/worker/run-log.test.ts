import { env } from 'cloudflare:workers';
import { evictDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, person, project } from './api-world.ts';
import { type AgentIdentity, becomes, enrolled, newBoot, queuedRun, rowOf, TestAgent, Viewer } from './live-world.ts';

let ops: Caller;
let p: number;
let identity: AgentIdentity;

beforeEach(async () => {
	ops = await person('admin');
	p = await project(ops);
	identity = await enrolled({ project_ids: JSON.stringify([p]) });
});

const stream = (id: number) => env.RUN_STREAM.getByName(String(id));

describe('what an agent sends', () => {
	it('repeated, reordered or damaged on its way, leaves the log as it was written', async () => {
		const boot_id = newBoot();
		const { agent } = await TestAgent.online(identity, { boot_id });
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		for (const text of ['one\n', 'two\n', 'three\n', 'four\n']) await writer.chunk(text);
		const [one, two, three, four] = writer.chunks;
		for (const chunk of [one, one, three, two, two, one]) agent.say(chunk ?? '');
		await writer.acked(3);
		const damaged = four?.slice() ?? new Uint8Array();
		damaged[damaged.length - 2] = 0x21;
		agent.say(damaged);
		await agent.socket.closes(4400);
		expect(agent.socket.closed?.reason).toContain('does not match its hash');
		const back = await TestAgent.connect(identity, {
			boot_id,
			runs: [{ ...writer.run, phase: 'exited', last_seq: 4 }],
		});
		expect((await back.next('welcome')).runs).toMatchObject([{ action: 'resume', next_seq: 4 }]);
		writer.agent = back;
		back.say(four ?? '');
		await writer.finish();
		await writer.finish();
		await expect.poll(() => back.all('finished').length).toBe(2);
		await becomes(run, { status: 'success', reason: null, log_bytes: 19, log_lines: 4 });
		const { body } = await ops.call('GET', `/api/runs/${String(run)}/log`);
		expect(body).toEqual({ text: 'one\ntwo\nthree\nfour\n' });
	});

	it('a finish before its log has the agent connect anew, and is final when all is there', async () => {
		const boot_id = newBoot();
		const { agent } = await TestAgent.online(identity, { boot_id });
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		const chunk = await writer.chunk('late\n');
		await writer.finish();
		await agent.socket.closes(4500);
		await becomes(run, { status: 'running' });
		const back = await TestAgent.connect(identity, {
			boot_id,
			runs: [{ ...writer.run, phase: 'exited', last_seq: 1 }],
		});
		expect((await back.next('welcome')).runs).toMatchObject([{ action: 'resume', next_seq: 1 }]);
		writer.agent = back;
		// The finish is known: the last chunk is enough.
		back.say(chunk);
		await writer.finished();
		await becomes(run, { status: 'success', log_bytes: 5 });
	});

	it('a log that is not what the agent says of it ends the run all the same, and says so', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		await writer.write('something\n');
		await writer.finish('success', { sha256: '0'.repeat(64) });
		await writer.finished();
		await becomes(run, { status: 'success', reason: expect.stringContaining('log_incomplete') });
	});

	it('nonsense in any part of a chunk is refused and told, and never a fault', async () => {
		const { agent } = await TestAgent.online(identity);
		await queuedRun(ops, p);
		const writer = await agent.start();
		const whole = await writer.chunk('text\n');
		const boot = { runs: [{ ...writer.run, phase: 'started' as const, last_seq: 0 }] };
		for (const at of [16, 47, 48, 49, 50, 52, 55, 60, 68]) {
			const chunk = whole.slice();
			chunk[at] = (chunk[at] ?? 0) ^ 0x81;
			const one = await TestAgent.connect(identity, boot);
			await one.next('welcome');
			one.say(chunk);
			await one.socket.closes(4400);
		}
	}, 60_000);
});

describe('a long log', () => {
	it('is sealed into the store and read back by bytes, lines, search and viewers', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		const line = (i: number) => `${String(i).padStart(7, '0')} ${'abcdefgh'.repeat(14)}\n`;
		const perChunk = 2000;
		const chunks = 60;
		for (let c = 0; c < chunks; c++) {
			await writer.write(Array.from({ length: perChunk }, (_, i) => line(c * perChunk + i)).join(''));
			await writer.acked();
		}
		await writer.finish();
		await writer.finished();
		await expect.poll(async () => (await env.STORE.list({ prefix: `runs/${String(run)}/` })).objects.length).toBe(1);
		await evictDurableObject(stream(run));
		const size = line(0).length;
		const total = chunks * perChunk * size;
		const at = `/api/runs/${String(run)}/log`;
		const part = await ops.call('GET', at, {
			headers: { range: `bytes=${String(size * 1234)}-${String(size * 1235 - 1)}` },
		});
		expect(part).toMatchObject({ status: 206, body: { text: line(1234) } });
		const whole = await ops.call('GET', at);
		expect(String(whole.body.text)).toHaveLength(total);
		const lines = await ops.ok('GET', `${at}/lines?from=70001&count=2`);
		expect(lines).toMatchObject({
			total_lines: chunks * perChunk,
			total_bytes: total,
			items: [{ line: 70_001, text: line(70_000).trimEnd() }, { line: 70_002 }],
		});
		const hits = await ops.ok('GET', `${at}/search?q=0099999%20ABC&limit=10`);
		expect(hits).toMatchObject({ items: [{ line: 100_000, offset: 99_999 * size, at: 0 }], next_from_line: null });
		const viewer = await Viewer.open(ops, run, total - 2 * size);
		await viewer.socket.closes(1000);
		expect(viewer.log(total - 2 * size)).toBe(line(chunks * perChunk - 2) + line(chunks * perChunk - 1));
		await becomes(run, { log_bytes: total, log_lines: chunks * perChunk });
		expect(new TextEncoder().encode(String((await rowOf(run)).stdout_excerpt)).length).toBeLessThanOrEqual(8192);
	}, 60_000);
});
