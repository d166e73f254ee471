import { zstdCompressSync } from 'node:zlib';
import { env } from 'cloudflare:workers';
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type Caller, person, project } from './api-world.ts';
import {
	type AgentIdentity,
	becomes,
	enrolled,
	newBoot,
	packedBody,
	queuedRun,
	rowOf,
	TestAgent,
	Viewer,
} from './live-world.ts';

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
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		for (const text of ['one\n', 'two\n', 'three\n', 'four\n']) await writer.chunk(text);
		const [one, two, three, four] = writer.chunks;
		for (const chunk of [one, one, three, two, two, one]) agent.say(chunk ?? '');
		await writer.acked(3);
		const damaged = four?.slice() ?? new Uint8Array();
		damaged[damaged.length - 2] = 0x21;
		agent.say(damaged);
		expect((await agent.next('welcome', 2)).runs).toEqual([{ ...writer.run, action: 'resume', next_seq: 4 }]);
		agent.say(four ?? '');
		await writer.finish();
		await writer.finish();
		await expect.poll(() => agent.all('finished').length).toBe(2);
		await becomes(run, { status: 'success', reason: null, log_bytes: 19, log_lines: 4 });
		const { body } = await ops.call('GET', `/api/runs/${String(run)}/log`);
		expect(body).toEqual({ text: 'one\ntwo\nthree\nfour\n' });
	});

	it('a finish before its log has the agent send what is missing, and is final when all is there', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		const chunk = await writer.chunk('late\n');
		await writer.finish();
		expect((await agent.next('welcome', 2)).runs).toEqual([{ ...writer.run, action: 'resume', next_seq: 1 }]);
		await becomes(run, { status: 'running' });
		// The finish is known: the last chunk is enough.
		agent.say(chunk);
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

	it('packed is shown, kept and read as if it were not, also by a stream that forgot', async () => {
		const { agent } = await TestAgent.online(identity, { v: 4 });
		for (const [n, forgetful] of [false, true].entries()) {
			const run = await queuedRun(ops, p);
			const writer = await agent.start(n + 1);
			const live = forgetful ? null : await Viewer.open(ops, run);
			const text = (n: number) => `${String(n)} is what it says\n`.repeat(2_000 * n);
			let said = '';
			for (const n of [1, 2, 3, 4, 5]) {
				said += `${text(n)}a line\n`;
				agent.say(await writer.packed(text(n)));
				await writer.write('a line\n');
				await writer.acked();
				if (forgetful && n === 3) await evictDurableObject(stream(run));
			}
			agent.say(writer.chunks[4] ?? '');
			await writer.finish('success', { chunks_sha256: await writer.chunksSha256() });
			await writer.finished();
			const log_lines = said.split('\n').length - 1;
			await becomes(run, { status: 'success', reason: null, log_bytes: said.length, log_lines });
			expect((await ops.call('GET', `/api/runs/${String(run)}/log`)).body).toEqual({ text: said });
			const late = await Viewer.open(ops, run);
			for (const seen of live ? [live, late] : [late]) await expect.poll(() => seen.log() === said).toBe(true);
		}
	});

	it.each([
		['is no Zstandard', () => new Uint8Array(100).fill(65)],
		['is a bomb', () => zstdCompressSync(new Uint8Array(30_000_000))],
		['is cut', (plain: Uint8Array) => packedBody(plain).subarray(0, -4)],
		['holds less than it says', (plain: Uint8Array) => packedBody(plain.subarray(0, -1))],
		['holds something else', () => packedBody(new Uint8Array(40_020).fill(5))],
	])('31: packed that %s is asked for again, fails its run the second time, and is never a fault', async (_n, body) => {
		const { agent } = await TestAgent.online(identity, { v: 4 });
		const [once, twice] = [await queuedRun(ops, p), await queuedRun(ops, p)];
		const text = 'abc\n'.repeat(10_000);
		const mended = await agent.start(1);
		const spoilt = await agent.start(2);
		for (const writer of [mended, spoilt]) agent.say(await writer.packed(text, body));
		await agent.next('welcome', 3);
		mended.seq = mended.offset = 0;
		agent.say(await mended.packed(text));
		agent.say(spoilt.chunks[0] ?? '');
		expect(await agent.next('cancel')).toEqual({ type: 'cancel', ...spoilt.run });
		await mended.acked();
		expect(agent.socket.closed).toBeNull();
		await becomes(twice, { status: 'running', phase: 'canceling', reason: expect.stringContaining('log_damaged') });
		expect((await ops.call('GET', `/api/runs/${String(once)}/log`)).body).toEqual({ text });
	});

	it('an agent that hashes its chunks is asked for no other hash; where the stream forgot its own, that of the bytes counts', async () => {
		const { agent } = await TestAgent.online(identity, { v: 3 });
		for (const [n, [forgetful, right]] of [
			[false, true],
			[true, true],
			[false, false],
			[true, false],
		].entries()) {
			const run = await queuedRun(ops, p);
			const writer = await agent.start(n + 1);
			await writer.write('one\ntwo');
			await writer.record({ type: 'step_started', n: 1, host: null, name: 'x', tool: 'shell' });
			await writer.write('\nthree\n', 2);
			await writer.acked();
			if (forgetful) await evictDurableObject(stream(run));
			const wrong = 'f'.repeat(64);
			const chunks_sha256 = right && !forgetful ? await writer.chunksSha256() : wrong;
			await writer.finish('success', { chunks_sha256, ...(!(right && forgetful) && { sha256: wrong }) });
			await writer.finished();
			await becomes(run, { status: 'success', reason: right ? null : expect.stringContaining('log_incomplete') });
		}
	});

	it('nonsense in any part of a chunk is refused and asked for again, and never a fault', async () => {
		const { agent } = await TestAgent.online(identity, { capacity: 20 });
		await env.DB.prepare('update agents set capacity = 20 where id = ?').bind(identity.id).run();
		await env.AGENT_LINK.getByName(String(identity.id)).refresh();
		for (const [i, at] of [16, 47, 48, 49, 50, 52, 55, 60, 68].entries()) {
			await queuedRun(ops, p);
			const writer = await agent.start(i + 1);
			const whole = await writer.chunk('text\n');
			const chunk = whole.slice();
			chunk[at] = (chunk[at] ?? 0) ^ 0x81;
			agent.say(chunk);
			expect((await agent.next('welcome', i + 2)).runs, String(at)).toEqual([
				{ ...writer.run, action: 'resume', next_seq: 1 },
			]);
			agent.say(whole);
			await writer.acked();
		}
		expect(agent.socket.closed).toBeNull();
	}, 60_000);

	it.each([
		['says something other than its hash', (chunk: Uint8Array) => chunk.fill(0x21, chunk.length - 2)],
		['is cut within its header', (chunk: Uint8Array) => chunk.subarray(0, 30)],
		['is longer than any chunk', (chunk: Uint8Array) => new Uint8Array([...chunk, ...new Uint8Array(300_000)])],
	])(
		'a chunk that %s again and again fails its run, and no other of the agent',
		async (_name, spoil) => {
			const { agent } = await TestAgent.online(identity);
			const [bad, good] = [await queuedRun(ops, p), await queuedRun(ops, p)];
			const spoilt = await agent.start(1);
			const well = await agent.start(2);
			const chunk = spoil((await spoilt.chunk('never read\n')).slice());
			await well.write('one\n');
			agent.say(chunk);
			await agent.next('welcome', 2);
			await well.write('two\n');
			agent.say(chunk);
			expect(await agent.next('cancel')).toEqual({ type: 'cancel', ...spoilt.run });
			await becomes(bad, { status: 'running', phase: 'canceling', reason: expect.stringContaining('log_damaged') });
			// It is repeated, and the rest of the log is let pass, so that the agent comes to its end.
			agent.say({ type: 'heartbeat', runs: [spoilt.run, well.run], host: null });
			expect((await agent.next('lease')).runs.map((r) => r.desired)).toEqual(['cancel', 'run']);
			agent.say(chunk);
			await spoilt.write('what came after\n');
			await spoilt.acked(2);
			await spoilt.finish('canceled', { exit_code: null });
			await spoilt.finished();
			await becomes(bad, {
				status: 'failed',
				phase: 'done',
				reason: expect.stringContaining('log_damaged'),
				log_bytes: 0,
			});
			await well.finish();
			await well.finished();
			await becomes(good, { status: 'success', log_bytes: 8 });
			expect(agent.socket.closed).toBeNull();
		},
		20_000,
	);

	it('an agent that comes back with a log that was given up is told to stop the run, and sends nothing of it again', async () => {
		const boot_id = newBoot();
		const { agent } = await TestAgent.online(identity, { boot_id });
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		const chunk = (await writer.chunk('never read\n')).fill(0x21, 70);
		agent.say(chunk);
		await agent.next('welcome', 2);
		agent.say(chunk);
		await agent.next('cancel');
		const known = { ...writer.run, last_seq: 5 };
		const back = await TestAgent.connect(identity, { boot_id, runs: [{ ...known, phase: 'started' }] });
		expect((await back.next('welcome')).runs).toEqual([{ ...writer.run, action: 'cancel', next_seq: 6 }]);
		const again = await TestAgent.connect(identity, { boot_id, runs: [{ ...known, phase: 'exited' }] });
		expect((await again.next('welcome')).runs).toEqual([{ ...writer.run, action: 'resume', next_seq: 6 }]);
		writer.agent = again;
		await writer.finish('canceled', { last_seq: 5, exit_code: null });
		await writer.finished();
		await becomes(run, { status: 'failed', reason: expect.stringContaining('log_damaged') });
	});
});

describe('a long log', () => {
	afterEach(() => vi.restoreAllMocks());

	it('is sealed after all when the object died while the store said nothing, and the run has ended since', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		const store = z.custom<R2Bucket>().parse(Object.getPrototypeOf(env.STORE));
		const put = vi.spyOn(store, 'put').mockReturnValue(new Promise(() => undefined));
		const part = `${'x'.repeat(1_023)}\n`.repeat(250);
		for (let n = 0; n < 55; n++) {
			await writer.write(part);
			await writer.acked();
		}
		await expect.poll(() => put.mock.calls).toHaveLength(1);
		await writer.finish();
		await writer.finished();
		await becomes(run, { status: 'success', log_bytes: 55 * part.length });
		const due = () =>
			runInDurableObject(stream(run), (_, { storage }) =>
				storage.sql.exec<{ at: number }>("select at from timers where name = 'seal'").toArray(),
			);
		// An alarm that rings while the store takes its time leaves another behind.
		const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 60_000);
		await runInDurableObject(stream(run), (object) => object.alarm());
		clock.mockRestore();
		expect(await due()).toHaveLength(1);
		await abortAllDurableObjects();
		vi.restoreAllMocks();
		const sealed = async () => (await env.STORE.list({ prefix: `runs/${String(run)}/` })).objects.length;
		expect(await sealed()).toBe(0);
		await runInDurableObject(stream(run), async (_, { storage }) => {
			storage.sql.exec("update timers set at = 0 where name = 'seal'");
			await storage.setAlarm(Date.now() + 60_000);
		});
		await abortAllDurableObjects();
		await runDurableObjectAlarm(stream(run));
		await expect.poll(sealed).toBe(1);
	});

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
