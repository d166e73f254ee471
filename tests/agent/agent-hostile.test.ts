// A hub that is not to be trusted: whatever it asks for, nothing is started that the operator did not allow.
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeBlob, fromHex } from '#protocol/run-frames.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { FakeHub, textOf } from '#tests/support/fake-hub.ts';
import { Signer } from '#tests/support/signer.ts';
import { sha256 } from '#tests/support/specs.ts';
import { type Json, walk } from '#tests/support/walk.ts';

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

describe('39: a signed request with whatever one thing of it changed', () => {
	const signer = new Signer();
	const not_after = '2999-01-01T00:00:00.000Z';
	let hub: FakeHub;
	let agent: AgentProcess;
	let ids = 0;
	const count = () => path.join(dir, 'signed');

	beforeAll(async () => {
		writeFileSync(path.join(dir, 'known_hosts'), '');
		hub = await FakeHub.start();
		agent = await AgentProcess.create(hub, {
			env: { DEPLOY_TOKEN: 'a secret of this host' },
			policy: `version: 1
projects: [3]
backends: [local, ssh, docker, k8s]
tools: [shell, custom]
scripts: { uploaded: true, data_root: ${dir} }
git: { hosts: [git.example] }
cwd: [${dir}]
env: [A*]
secrets: { 3: ['env:DEPLOY_TOKEN'] }
ssh: { known_hosts: ${dir}/known_hosts, hosts: [10.0.0.*], users: [deploy], jump: [10.0.0.9] }
docker: { images: [img.example/*], networks: [none, bridge], writable_root: true }
k8s: { namespaces: [shop], images: [img.example/*], writable_root: true }
signatures: { keys: [${signer.key}] }
`,
		});
	});
	afterAll(async () => {
		await agent.remove();
		await hub.stop();
	});

	const secret = 'env:DEPLOY_TOKEN';
	/** All that a run of this backend can be asked for with. */
	const full = {
		local: (): RunSpec => ({
			...hub.scripts.spec({
				steps: [
					hub.scripts.step(`echo "$@" >> ${count()}`, { secret }),
					hub.scripts.step(`#!/bin/sh\ntest -r "$UHUB_PARAM_TOKEN_FILE" -a -r "$A_FILE"`, { tool: 'custom' }),
				],
				execution: {
					backend: 'local',
					config: { cwd: dir, env: { A_VALUE: 'x' }, limits: { memory_mib: 64, pids: 64 } },
				},
				secrets: { A_FILE: secret },
			}),
			parameters: { TEXT: 'abc', COUNT: '3', SIZE: 'small', DAY: '2030-01-31' },
			secret_parameters: { TOKEN: secret },
			parameters_schema: [
				{
					name: 'TEXT',
					type: 'text',
					label: 'A',
					help: 'b',
					required: true,
					default: 'x',
					max_length: 3,
					allow_dash: true,
				},
				{ name: 'COUNT', type: 'number', required: true, default: 3, min: 1, max: 3, integer: true },
				{ name: 'SIZE', type: 'choice', required: true, options: ['small', 'large'], default: 'large' },
				{ name: 'DAY', type: 'date', required: true, default: '2030-01-01' },
				{ name: 'TOKEN', type: 'secret', required: true, default: secret },
			],
			arguments: ['--count={{COUNT}}', 'x'],
		}),
		ssh: (): RunSpec => ({
			...hub.scripts.spec({
				steps: [
					{ location_type: 'fs_path', name: 'here', tool: 'shell', path: 'a/b.sh', secret },
					{
						location_type: 'git',
						name: 'there',
						tool: 'custom',
						url: 'https://git.example/a/b.git',
						revision: 'a'.repeat(40),
						path: 'run.sh',
						credentials: secret,
						secret: null,
					},
				],
				execution: {
					backend: 'ssh',
					config: {
						hosts: [
							{ name: 'web1', address: '10.0.0.1', port: 2222, user: 'deploy' },
							{ name: 'web2', address: '10.0.0.2' },
						],
						user: 'deploy',
						port: 22,
						key_ref: secret,
						passphrase_ref: secret,
						jump: { host: '10.0.0.9', user: 'deploy', port: 22 },
						parallel: 2,
					},
				},
			}),
			parameters: { ON: 'web1,web2' },
			parameters_schema: [{ name: 'ON', type: 'hosts', required: true }],
			hosts: ['web1', 'web2'],
			inventory: { sha256: sha256('x'), size: 1, format: 'ini', limit: 'web:!web3', key_ref: secret },
		}),
		docker: (): RunSpec =>
			hub.scripts.spec({
				steps: [hub.scripts.step('true', { secret })],
				execution: {
					backend: 'docker',
					config: {
						image: `img.example/team/tool:1.2@sha256:${'a'.repeat(64)}`,
						cpus: 1.5,
						memory_mib: 64,
						pids: 64,
						network: 'none',
						user: '1000:1000',
						writable_root: false,
						env: { A_VALUE: 'x' },
					},
				},
				secrets: { A_FILE: secret },
			}),
		k8s: (): RunSpec =>
			hub.scripts.spec({
				steps: [hub.scripts.step('true', { secret })],
				execution: {
					backend: 'k8s',
					config: {
						cluster: 'east',
						namespace: 'shop',
						image: 'img.example/team/tool:1.2',
						requests: { cpu: '250m', memory: '64Mi' },
						limits: { cpu: '1.5', memory: '128Mi' },
						writable_root: false,
						env: { A_VALUE: 'x' },
						kubeconfig_ref: secret,
						api_server_url: 'https://10.0.0.7:6443',
					},
				},
				secrets: { A_FILE: secret },
			}),
	};

	/** What a run brings itself, within what was signed: other values of these are the hub's to choose. */
	const ofTheRun = /^(run_id|project|title|parameters\.(TEXT|COUNT|DAY))$/;

	for (const [backend, make] of Object.entries(full))
		it(`39: by ${backend}: nothing is started, each time for a reason`, async () => {
			const spec = signer.signed(hub.url, make(), { not_after });
			hub.autopilot = false;
			const untouched = hub.offerRaw({ ...spec, run_id: ++ids });
			await hub.until(() => untouched.accepted || untouched.refused !== null, 'the answer');
			expect(untouched.refused).toBeNull();
			hub.send({ type: 'withdraw', run_id: untouched.run_id, epoch: 1 });

			const runs = [...walk(JSON.parse(JSON.stringify(spec)) as Json)]
				.filter(({ path, how }) => how !== 'changed' || !ofTheRun.test(path))
				.map((altered) => {
					const run_id = altered.path === 'run_id' ? {} : { run_id: ++ids };
					return { ...altered, run: hub.offerRaw({ ...(altered.value as object), ...run_id }) };
				});
			// An offer of no run at all has no answer.
			const answered = runs.filter(({ path }) => path !== 'run_id');
			await hub.until(() => answered.every(({ run }) => run.refused !== null || run.accepted), 'the answers');
			for (const { path, how, value, run } of answered) {
				const what = `${path} ${how}: ${JSON.stringify(value)}`;
				expect(run.accepted, what).toBe(false);
				expect(run.refused?.code, what).toMatch(
					path === 'signature' && how === 'removed' ? /^unsigned$/ : /^(bad_request|bad_signature|refused_by_policy)$/,
				);
			}
			expect(runs.length).toBeGreaterThan(300);
			expect(runs.some(({ run }) => run.accepted || run.started)).toBe(false);
			expect(existsSync(count())).toBe(false);
		});

	it('39: nor is anything of another tool added to it', async () => {
		const spec = signer.signed(hub.url, full.local());
		for (const more of [{ check: true }, { apply_plan: sha256('x') }, { hosts: ['web1'] }]) {
			const run = hub.offerRaw({ ...spec, ...more, run_id: ++ids });
			await hub.until(() => run.refused !== null || run.accepted, 'the answer');
			expect(run.refused?.code).toBe('bad_request');
		}
	});

	it('39: as it was signed it is started', async () => {
		hub.autopilot = true;
		const execution = { backend: 'local' as const, config: { cwd: dir, env: { A_VALUE: 'x' } } };
		const spec = signer.signed(hub.url, { ...full.local(), execution, run_id: ++ids }, { not_after });
		const run = hub.offerRaw(spec);
		await hub.ended(run);
		expect(run.finish?.outcome, textOf(run)).toBe('success');
		expect(readFileSync(count(), 'utf8')).toBe('--count=3 x\n');
		expect(hub.faults).toEqual([]);
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
		const run = hub.offer({ script: `echo on; while [ ! -e ${dir}/heard ]; do sleep 0.05; done; echo off` });
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
		hub.send({ type: 'ping', nonce: 'heard' });
		await hub.until(() => hub.messages.some((m) => m.type === 'pong' && m.nonce === 'heard'), 'the agent');
		writeFileSync(path.join(dir, 'heard'), '');
		await hub.ended(run);
		expect(textOf(run)).toBe('on\noff\n');
		expect(run.finish?.outcome).toBe('success');
	});

	it('39: a mail is passed on by nobody whose policy does not name a server', async () => {
		hub.send({ type: 'mail', key: randomUUID(), mail: { to: 'ada@example.org' } });
		await hub.until(() => hub.messages.some((said) => said.type === 'mailed' && said.error === 'policy'), 'a refusal');
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
		await expect.poll(() => agent.output).toContain('other.example');
		expect(hub.hellos.length).toBe(before);
		hub.host = '';
		await hub.until(() => hub.hellos.length > before, 'a new connection');
	});
});
