// Jobs that are signed: whatever a hub changes, takes away or sends again starts nothing.
import { generateKeyPairSync, sign as signWith } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RunSpec, signedText, templateOf } from '#protocol/run-spec.ts';
import { AgentProcess, command } from '#tests/support/agent-process.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import type { SpecOf } from '#tests/support/specs.ts';

let dir: string;
let hub: FakeHub;
let agent: AgentProcess;
let key: string;
const canary = () => path.join(dir, 'canary');

beforeAll(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-signed-'));
	const made = await command(['sign', '--key', path.join(dir, 'key.pem'), '--new-key']);
	key = made.stdout.trim();
	hub = await FakeHub.start();
	agent = await AgentProcess.create(hub, {
		policy:
			`version: 1\nprojects: all\nbackends: [local, dummy]\ntools: [shell, custom]\nscripts: { uploaded: true, data_root: ${dir} }\nenv: ['*']\nsignatures: { keys: [${key}] }\n`.replace(
				"env: ['*']",
				'env: [A*]',
			),
	});
});
afterAll(async () => {
	await agent.remove();
	await hub.stop();
	rmSync(dir, { recursive: true, force: true });
});
afterEach(() => {
	expect(existsSync(canary())).toBe(false);
	expect(hub.faults).toEqual([]);
});

/** The spec with a signature by `uhub-agent sign` itself. */
async function signed(of: SpecOf, serial: number, over: { hub?: string; args?: string[] } = {}): Promise<RunSpec> {
	const spec = hub.scripts.spec(of);
	const asked = JSON.stringify({ hub: over.hub ?? hub.url, serial, template: templateOf(spec) });
	const { code, stdout, stderr } = await command(
		['sign', '--key', path.join(dir, 'key.pem'), ...(over.args ?? [])],
		{},
		asked,
	);
	expect(code, stderr).toBe(0);
	return RunSpec.parse({ ...spec, signature: JSON.parse(stdout) as unknown });
}
async function offered(spec: unknown): Promise<HubRun> {
	const run = hub.offerRaw(spec);
	await hub.ended(run);
	return run;
}
const touch = (): SpecOf => ({ script: `touch ${canary()}` });
let ids = 10_000;
const again = <T extends object>(spec: T) => ({ ...spec, run_id: ++ids });

describe('a signed job', () => {
	it('runs, with other values too, and again under the same signature', async () => {
		const parameters_schema = [{ name: 'WHO', type: 'text' as const, required: false }];
		const spec = await signed({ script: 'echo "hello $UHUB_PARAM_WHO"', job_id: 50, parameters_schema }, 1);
		expect(textOf(await offered(spec))).toBe('hello \n');
		expect(textOf(await offered({ ...again(spec), parameters: { WHO: 'you' } }))).toBe('hello you\n');
	});

	it('is said in words before it is signed, by a key that only its owner can read', async () => {
		expect(statSync(path.join(dir, 'key.pem')).mode & 0o777).toBe(0o600);
		expect(await command(['sign', '--key', path.join(dir, 'key.pem'), '--new-key'])).toMatchObject({ code: 1 });
		const asked = JSON.stringify({ hub: hub.url, serial: 3, template: templateOf(hub.scripts.spec(touch())) });
		const { stderr } = await command(['sign', '--key', path.join(dir, 'key.pem')], {}, asked);
		expect(stderr).toMatch(/job 7 of project 3.*number 3/);
		expect(await command(['sign', '--key', path.join(dir, 'key.pem')], {}, '{"hub":1}')).toMatchObject({ code: 1 });
	});
});

describe('39: a hostile hub', () => {
	it('39: starts nothing unsigned', async () => {
		expect((await offered(hub.scripts.spec(touch()))).refused).toMatchObject({ code: 'unsigned' });
	});

	it('39: starts nothing signed for another hub, or by another key', async () => {
		expect((await offered(await signed(touch(), 1, { hub: 'https://other.example' }))).refused?.code).toBe(
			'bad_signature',
		);
		const { privateKey, publicKey } = generateKeyPairSync('ed25519');
		const spec = hub.scripts.spec(touch());
		const text = signedText({ hub: hub.url, serial: 1, not_after: null, template: templateOf(spec) });
		const value = signWith(null, Buffer.from(text), privateKey).toString('base64url');
		const own = publicKey.export({ format: 'jwk' }).x;
		for (const by of [own, key])
			expect(
				(await offered({ ...again(spec), signature: { key: by, value, serial: 1, not_after: null } })).refused?.code,
			).toBe('bad_signature');
	});

	it('39: starts nothing whose signature has run out', async () => {
		const spec = await signed({ script: 'echo fine', job_id: 51 }, 1, { args: ['--days', '1'] });
		expect(textOf(await offered(spec))).toBe('fine\n');
		const late = hub.scripts.spec(touch());
		const not_after = '2020-01-01T00:00:00.000Z';
		const { privateKey, publicKey } = generateKeyPairSync('ed25519');
		const hub2 = await FakeHub.start();
		const other = await AgentProcess.create(hub2, {
			policy: `version: 1\nprojects: all\nbackends: [local]\ntools: [shell]\nscripts: { uploaded: true }\nsignatures: { keys: [${String(publicKey.export({ format: 'jwk' }).x)}] }\n`,
		});
		const there = signWith(
			null,
			Buffer.from(signedText({ hub: hub2.url, serial: 1, not_after, template: templateOf(late) })),
			privateKey,
		);
		const signature = {
			key: publicKey.export({ format: 'jwk' }).x,
			value: there.toString('base64url'),
			serial: 1,
			not_after,
		};
		const run = hub2.offerRaw({ ...late, signature });
		await hub2.ended(run);
		expect(run.refused?.code).toBe('signature_expired');
		await other.remove();
		await hub2.stop();
	});

	it('39: starts nothing again: neither a run that was, nor what something newer replaced, also after a restart', async () => {
		const first = await signed({ script: 'echo once', job_id: 52 }, 5);
		expect(textOf(await offered(first))).toBe('once\n');
		const newer = await signed({ script: 'echo newer', job_id: 52 }, 6);
		expect(textOf(await offered(newer))).toBe('newer\n');
		// Else the next process still has it, and takes no offer of it at all.
		const gone = `{"type":"gone","run_id":${String(newer.run_id)},`;
		await expect.poll(() => readFileSync(path.join(agent.home, 'journal'), 'utf8')).toContain(gone);
		await agent.end('SIGKILL');
		await agent.start();
		for (const spec of [first, again(first)]) expect((await offered(spec)).refused?.code).toBe('replayed');
		expect((await offered(newer)).refused?.code).toBe('replayed');
		expect(textOf(await offered(again(newer)))).toBe('newer\n');
	});

	it('39: starts nothing with parameters that nobody described, and so nobody signed', async () => {
		const spec = await signed(touch(), 1);
		expect((await offered({ ...again(spec), parameters: { WHO: 'you' } })).refused?.code).toBe('bad_signature');
	});
});
