// A hub that is not to be trusted: whatever it asks for, nothing is started that the operator did not allow.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { FakeHub, textOf } from '#tests/support/fake-hub.ts';
import { encodeBlob, fromHex } from '#protocol/run-frames.ts';
import { sha256 } from '#tests/support/specs.ts';

let hub: FakeHub;
let agent: AgentProcess;
let dir: string;
let canary: string;

beforeAll(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-hostile-'));
	canary = path.join(dir, 'canary');
	hub = await FakeHub.start();
	agent = await AgentProcess.create(hub, {
		policy:
			'version: 1\nprojects: [3]\nbackends: [local]\ntools: [shell]\nscripts: { uploaded: true }\nlimits: { capacity: 2 }\n',
	});
});
afterAll(async () => {
	await agent.remove();
	await hub.stop();
	rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
	hub.watch = () => 'pass';
});
afterEach(() => {
	expect(existsSync(canary)).toBe(false);
	hub.faults.length = 0;
});

const touch = () => `touch ${canary}`;
const spec = (over: object = {}) => ({ ...hub.scripts.spec({ script: touch() }), ...over });

describe('39: a request that is not as it should be starts nothing', () => {
	for (const [what, over] of [
		['an unknown field', { sudo: true }],
		['an unknown field further in', { execution: { backend: 'local', config: { shell: '/bin/sh -c' } } }],
		['no steps', { steps: [] }],
		['another type', { timeout_s: '60' }],
		['no time limit', { timeout_s: undefined }],
		['a parameter that would be an option', { parameters: { X: '--rm' } }],
		['a parameter whose name is no name', { parameters: { 'X;touch': 'y' } }],
		['a NUL', { project: 'a\0b' }],
		['a backend that nobody has', { execution: { backend: 'docker', config: {} } }],
	] as [string, object][])
		it(`39: ${what}`, async () => {
			const run = hub.offerRaw(spec(over));
			await hub.ended(run);
			expect(run.refused).toMatchObject({ code: 'bad_request' });
		});

	for (const [what, over] of [
		['another project', { project_id: 4 }],
		[
			'a tool',
			{ steps: [{ location_type: 'uploaded', name: 's', tool: 'custom', sha256: sha256(''), size: 0, secret: null }] },
		],
		[
			'a script of the host',
			{ steps: [{ location_type: 'fs_path', name: 's', tool: 'shell', path: 'x', secret: null }] },
		],
		['a variable', { execution: { backend: 'local', config: { env: { LD_PRELOAD: '/tmp/x.so' } } } }],
		['the dummy', { execution: { backend: 'dummy', config: {} } }],
		['a secret', { secrets: { TOKEN: 'env:HOME' } }],
		['a long run', { timeout_s: 600_000 }],
	] as [string, object][])
		it(`39: ${what} outside the policy`, async () => {
			const run = hub.offerRaw(spec(over));
			await hub.ended(run);
			expect(run.refused).toMatchObject({ code: 'refused_by_policy' });
		});

	it('39: a script that is not what its hash says', async () => {
		const made = hub.scripts.spec({ script: `true # ${'x'.repeat(50)}` });
		const [step] = made.steps;
		if (step?.location_type !== 'uploaded') throw new Error('expected an uploaded step');
		hub.scripts.forge(step.sha256, Buffer.from(touch().padEnd(step.size)));
		const run = hub.offer(made);
		await hub.ended(run);
		expect(run.finish).toMatchObject({ outcome: 'failed', started_at: null, reason: { code: 'script_missing' } });
	});

	it('39: a script that was not asked for, or is sent in odd parts', async () => {
		const good = 'echo the real one';
		const made = hub.scripts.spec({ script: good });
		hub.watch = (_, type) => (type === 'blob' ? 'drop' : 'pass');
		hub.autopilot = false;
		const run = hub.offer(made);
		await hub.until(() => run.accepted, 'the acceptance');
		hub.watch = () => 'pass';
		const hash = fromHex(sha256(good));
		const part = (offset: number, text: string, total = good.length) =>
			hub.raw('blob', encodeBlob({ sha256: hash, offset, total, payload: Buffer.from(text) }));
		part(5, touch());
		part(0, touch().padEnd(good.length + 10), good.length);
		part(0, touch(), 1_000_000);
		part(0, good.slice(0, 8));
		part(0, good.slice(0, 9));
		part(9, good.slice(9));
		part(9, touch());
		hub.raw(
			'blob',
			encodeBlob({ sha256: fromHex(sha256(touch())), offset: 0, total: touch().length, payload: Buffer.from(touch()) }),
		);
		hub.grant(run);
		hub.autopilot = true;
		await hub.ended(run);
		expect(textOf(run)).toBe('the real one\n');
	});
});

describe('38, 39: a message about what was not agreed changes nothing', () => {
	it('38: a grant without an offer, of another epoch, of a refused run, and twice', async () => {
		for (const epoch of [0, 1, 2, 99]) hub.send({ type: 'grant', run_id: 12_345, epoch });
		const refused = hub.offerRaw(spec({ project_id: 4 }));
		await hub.ended(refused);
		hub.grant(refused);

		hub.autopilot = false;
		const other = hub.offerRaw(spec());
		await hub.until(() => other.accepted, 'the acceptance');
		for (const epoch of [0, 2, 3]) hub.send({ type: 'grant', run_id: other.run_id, epoch });
		hub.send({ type: 'withdraw', run_id: other.run_id, epoch: 1 });
		hub.grant(other);
		hub.autopilot = true;

		const counted = hub.offer({ script: `echo x >> ${dir}/count; cat ${dir}/count` });
		await hub.until(() => counted.granted, 'the grant');
		hub.grant(counted);
		hub.grant(counted);
		hub.send({ type: 'offer', epoch: 1, spec: counted.spec });
		hub.send({ type: 'offer', epoch: 7, spec: counted.spec });
		await hub.ended(counted);
		hub.grant(counted);
		hub.send({ type: 'offer', epoch: 1, spec: counted.spec });
		await hub.ended(hub.offer({ script: 'true' }));
		expect(textOf(counted)).toBe('x\n');
	});

	it('38: a cancel, an acknowledgement and the word of an end for other runs and epochs leave a run alone', async () => {
		const run = hub.offer({ script: 'echo on; sleep 0.3; echo off' });
		await hub.until(() => run.seq > 0, 'the script');
		for (const at of [
			{ run_id: run.run_id, epoch: 2 },
			{ run_id: run.run_id + 1, epoch: 1 },
		]) {
			hub.send({ type: 'cancel', ...at });
			hub.send({ type: 'finished', ...at });
			hub.send({ type: 'ack', ...at, seq: 1000 });
			hub.send({ type: 'lease', runs: [{ ...at, desired: 'drop' }] });
		}
		hub.send({ type: 'finished', run_id: run.run_id, epoch: 1 });
		hub.send({ type: 'withdraw', run_id: run.run_id, epoch: 1 });
		await hub.ended(run);
		expect(textOf(run)).toBe('on\noff\n');
		expect(run.finish?.outcome).toBe('success');
	});

	it('takes no more at a time than its policy says, and says so', async () => {
		const script = `while [ ! -e ${dir}/enough ]; do sleep 0.02; done`;
		const [one, two] = [hub.offer({ script }), hub.offer({ script })];
		await hub.until(() => one.started && two.started, 'two runs');
		const three = hub.offer({ script: touch() });
		await hub.ended(three);
		expect(three.refused).toMatchObject({ code: 'agents_busy' });
		hub.offer({ script: `true` });
		hub.cancel(one);
		hub.cancel(two);
		await hub.ended(one);
		await hub.ended(two);
	});
});

describe('39: what is no message at all', () => {
	for (const [what, data] of [
		['no JSON', 'touch'],
		['an unknown message', '{"type":"exec","argv":["touch"]}'],
		['an unknown field', '{"type":"grant","run_id":1,"epoch":1,"force":true}'],
		['a deep one', `${'['.repeat(5000)}${']'.repeat(5000)}`],
		['a long number', '{"type":"ack","run_id":1e99,"epoch":1,"seq":1}'],
		['a second challenge', '{"type":"challenge","v":1,"v_min":1,"challenge":"AAAA","host":"x"}'],
	] as [string, string][])
		it(`39: ${what}: the connection is closed and made again`, async () => {
			const before = hub.hellos.length;
			hub.raw('garbage', data);
			await hub.until(() => hub.hellos.length > before, 'a new connection');
		});

	it('a binary frame of rubbish changes nothing', async () => {
		hub.raw('garbage', Buffer.from('rubbish'));
		hub.raw('garbage', Buffer.alloc(60, 16));
		hub.raw('garbage', Buffer.alloc(900_000, 0xff));
		const run = hub.offer({ script: 'echo fine' });
		await hub.ended(run);
		expect(textOf(run)).toBe('fine\n');
	});

	it('a frame over 1 MiB closes the connection, which is made again', async () => {
		const before = hub.hellos.length;
		hub.raw('garbage', Buffer.alloc(1_100_000));
		await hub.until(() => hub.hellos.length > before, 'a new connection');
	});
});

describe('another hub in between', () => {
	it('gets no signature for a host that the agent did not dial', async () => {
		const before = hub.hellos.length;
		hub.host = 'other.example';
		hub.cut();
		await expect.poll(() => agent.output, { timeout: 20_000 }).toContain('other.example');
		expect(hub.hellos.length).toBe(before);
		hub.host = '';
		await hub.until(() => hub.hellos.length > before, 'a new connection');
	});
});
