// What an operator types, and what stands on the disk afterwards.
import { execFileSync } from 'node:child_process';
import {
	chmodSync,
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentProcess, command, LOCAL_POLICY } from '#tests/support/agent-process.ts';
import { FakeHub, textOf } from '#tests/support/fake-hub.ts';

let hub: FakeHub;
let base: string;
let home: string;

beforeEach(async () => {
	hub = await FakeHub.start();
	base = mkdtempSync(path.join(os.tmpdir(), 'uhub-commands-'));
	home = path.join(base, 'home');
});
afterEach(async () => {
	await hub.stop();
	rmSync(base, { recursive: true, force: true });
	expect(hub.faults).toEqual([]);
});

const mode = (name: string): number => statSync(path.join(home, name)).mode & 0o777;
const enroll = (...more: string[]) =>
	command(['enroll', '--hub', hub.url, '--token', hub.token, '--home', home, '--name', 'a', ...more]);

describe('enroll', () => {
	it('49: keeps a key nobody else can read, and a policy that allows nothing', async () => {
		const done = await enroll();
		expect(done).toMatchObject({ code: 0, stderr: '' });
		expect(done.stdout).toContain('allows nothing yet');
		for (const [name, want] of [
			['.', 0o700],
			['key.pem', 0o600],
			['agent.json', 0o600],
			['policy.yaml', 0o600],
		] as [string, number][])
			expect(mode(name), name).toBe(want);
		expect(JSON.parse(readFileSync(path.join(home, 'agent.json'), 'utf8'))).toMatchObject({
			hub: hub.url,
			agent_id: 1,
			name: 'a',
		});
		expect((await command(['policy', 'check', '--home', home])).stdout).toContain('backends: none');
	});

	it('36: with a token that was used leaves nothing behind, and says what to do', async () => {
		const used = hub.token;
		expect((await enroll()).code).toBe(0);
		const again = await command(['enroll', '--hub', hub.url, '--token', used, '--home', path.join(base, 'other')]);
		expect(again.code).toBe(1);
		expect(again.stderr).toMatch(/unknown, used or expired.*new token/);
		expect(readdirSync(path.join(base, 'other'))).toEqual([]);
		expect(again.stdout + again.stderr).not.toContain(used);
	});

	it('never over an agent that is there', async () => {
		expect((await enroll()).code).toBe(0);
		const before = readFileSync(path.join(home, 'key.pem'), 'utf8');
		const again = await enroll();
		expect(again.code).toBe(1);
		expect(again.stderr).toContain('--home');
		expect(readFileSync(path.join(home, 'key.pem'), 'utf8')).toBe(before);
	});

	it('46: takes its token from standard input or a file, so that no list of processes shows it', async () => {
		const { token } = hub;
		const told = ['enroll', '--hub', hub.url, '--home', home, '--name', 'a'];
		const file = path.join(base, 'token');
		writeFileSync(file, `\n${hub.token}\n`);
		for (const args of [
			['--token', '-'],
			['--token-file', path.join(base, 'none')],
			['--token-file', file],
			['--token-file', '/dev/zero'],
		]) {
			const done = await command([...told, ...args]);
			expect(done.code, args.join(' ')).toBe(1);
			expect(done.stderr).toMatch(/token/i);
			expect(existsSync(path.join(home, 'key.pem'))).toBe(false);
		}
		expect((await command([...told, '--token', '-'], {}, `  ${hub.token}\r\nnot this\n`)).code).toBe(0);
		hub.token = token;
		writeFileSync(file, token);
		const other = path.join(base, 'other');
		expect((await command(['enroll', '--hub', hub.url, '--home', other, '--token-file', file])).code).toBe(0);
	});

	for (const [what, args, words] of [
		['a hub that is not there', ['--hub', 'http://127.0.0.1:29'], /cannot be reached: ECONNREFUSED/],
		['a hub without TLS', ['--hub', 'http://hub.example'], /not encrypted/],
		['no address', ['--hub', 'hub'], /not a hub's address/],
		['a token that is none', ['--token', 'nonsense'], /token/],
		['a label that is none', ['--label', 'gpu'], /key=value/],
		['a capacity that is none', ['--capacity', 'many'], /capacity/],
		['a name that would deceive', ['--name', 'a\u202eb'], /name/],
	] as [string, string[], RegExp][])
		it(`${what}: one sentence, and nothing kept`, async () => {
			const done = await enroll(...args);
			expect(done.code).toBe(1);
			expect(done.stderr).toMatch(words);
			expect(done.stderr).not.toMatch(/\n\s+at /);
			if (existsSync(home)) expect(readdirSync(home)).toEqual([]);
		});

	it('into a directory others can read is refused', async () => {
		execFileSync('mkdir', ['-m', '755', home]);
		const done = await enroll();
		expect(done).toMatchObject({ code: 1 });
		expect(done.stderr).toContain(`chmod 700 ${home}`);
	});
});

describe('words it does not know', () => {
	for (const args of [
		['frobnicate'],
		['start', 'now'],
		['--frobnicate'],
		['enroll'],
		['enroll', '--hub', 'https://h', '--token', '-', '--token-file', 'x'],
		['policy'],
		['policy', 'check', 'a', 'b'],
	])
		it(`${args.join(' ')}: exit code 2 and where to look`, async () => {
			const done = await command(args);
			expect(done.code).toBe(2);
			expect(done.stderr).toMatch(/--help|--token/);
		});

	it('--help and --version answer', async () => {
		expect((await command(['--help'])).stdout).toContain('uhub-agent enroll');
		expect((await command(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
	});
});

describe('start', () => {
	const startOnce = () => command(['start', '--home', home]);

	it('says what is missing or open to others', async () => {
		expect((await startOnce()).stderr).toContain('enrol it first');
		await enroll();
		writeFileSync(path.join(home, 'policy.yaml'), 'version: 1\nallow: everything\n');
		expect((await startOnce()).stderr).toContain('allow');
		rmSync(path.join(home, 'policy.yaml'));
		expect((await startOnce()).stderr).toContain('Without one nothing is allowed');
		chmodSync(path.join(home, 'key.pem'), 0o644);
		expect((await startOnce()).stderr).toContain('chmod 600');
		expect(readdirSync(home).filter((n) => n.endsWith('.lock'))).toEqual([]);
	});

	it('one agent per home, also after a kill -9', async () => {
		const agent = await AgentProcess.create(hub, { home });
		const second = await startOnce();
		expect(second.code).toBe(1);
		expect(second.stderr).toContain(`process ${String(agent.pid)}`);
		await agent.end('SIGKILL');
		await agent.start();
		expect(await agent.end('SIGTERM')).toBe(0);
	});

	it('at another address of the same hub', async () => {
		expect((await enroll('--allow-local')).code).toBe(0);
		const config = path.join(home, 'agent.json');
		writeFileSync(config, readFileSync(config, 'utf8').replace(hub.url, 'http://127.0.0.1:1'), { mode: 0o600 });
		const started = command(['start', '--home', home, '--hub', hub.url]);
		await hub.until(() => hub.hellos.length === 1, 'a hello');
		const [pid] = readdirSync(home).flatMap((n) => /^agent\.(\d+)\./.exec(n)?.[1] ?? []);
		process.kill(Number(pid), 'SIGTERM');
		expect((await started).code).toBe(0);
	});

	it('reports its host and what it can do', async () => {
		const agent = await AgentProcess.create(hub, { home });
		await hub.until(() => hub.messages.some((m) => m.type === 'heartbeat'), 'a heartbeat');
		const beat = hub.messages.find((m) => m.type === 'heartbeat');
		expect(beat?.host?.cpu_cores).toBe(os.availableParallelism());
		expect(beat?.host?.disk_path).toBe(home);
		expect(beat?.host?.ram_used_gib).toBeLessThan(beat?.host?.ram_total_gib ?? 0);
		expect(beat?.host?.disk_free_gib).toBeGreaterThan(0);
		expect(hub.hellos[0]).toMatchObject({ capacity: 8, abilities: { backends: ['local', 'dummy'] } });
		await agent.remove();
	});

	it('names the tools that its policy allows and that are there', async () => {
		const program = path.join(base, 'ansible-playbook');
		writeFileSync(program, '#!/bin/sh\necho "ansible-playbook [core 2.99.1]"\n', { mode: 0o755 });
		const env = { PATH: `${base}:${process.env.PATH ?? ''}` };
		const agent = await AgentProcess.create(hub, { home, env });
		expect(hub.hellos.at(-1)?.abilities.tools).not.toHaveProperty('ansible');
		await agent.end('SIGTERM');
		agent.policy(LOCAL_POLICY.replace(/^tools: .*$/m, 'tools: [shell, ansible]'));
		await agent.start();
		expect(hub.hellos.at(-1)?.abilities.tools).toMatchObject({ ansible: '2.99.1' });
		await agent.remove();
	});
});

describe('status and doctor', () => {
	it('status says whether it runs and what', async () => {
		const agent = await AgentProcess.create(hub, { home, start: false });
		expect(await command(['status', '--home', home])).toMatchObject({ code: 3 });
		await agent.start();
		const run = hub.offer({ script: 'echo on; while :; do sleep 0.1; done' });
		await hub.until(() => textOf(run) === 'on\n', 'the script');
		await expect
			.poll(async () => (await command(['status', '--home', home])).stdout)
			.toMatch(/connected.*\n.*run 1, offer 1: started/);
		await agent.end('SIGKILL');
		expect(await command(['status', '--home', home])).toMatchObject({ code: 3 });
		await agent.start();
		await agent.end('SIGTERM');
	});

	it('doctor looks at everything, and fails for what keeps it from working', async () => {
		const agent = await AgentProcess.create(hub, { home, start: false });
		const well = await command(['doctor', '--home', home]);
		expect(well.code, well.stdout).toBe(0);
		expect(well.stdout).toMatch(/OK +http:.* answers/);
		expect(well.stdout).toMatch(/OK +the key is there/);
		expect(well.stdout).toContain("jobs run as the agent's own user");
		agent.policy('version: 2\n');
		chmodSync(path.join(home, 'key.pem'), 0o644);
		const ill = await command(['doctor', '--home', home]);
		expect(ill.code).toBe(1);
		expect(ill.stdout.match(/^FAIL/gm)?.length).toBe(2);
	});

	it('policy check says what a file allows, or what is wrong with it', async () => {
		const file = path.join(base, 'p.yaml');
		writeFileSync(file, LOCAL_POLICY);
		expect((await command(['policy', 'check', file])).stdout).toContain('tools: shell, custom');
		writeFileSync(file, 'version: 1\ntools: [perl]\n');
		const bad = await command(['policy', 'check', file]);
		expect(bad.code).toBe(1);
		expect(bad.stderr).toContain('tools');
	});
});

describe.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
	'a full disk (a small tmpfs, which only root can mount)',
	() => {
		beforeEach(() => {
			execFileSync('mkdir', ['-m', '700', home]);
			execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m,mode=700', 'tmpfs', home]);
		});
		afterEach(() => {
			execFileSync('umount', ['-l', home]);
		});

		it('the script waits, and its log arrives whole when there is room', async () => {
			const agent = await AgentProcess.create(hub, { home });
			hub.acknowledges = false;
			const run = hub.offer({ script: 'head -c 9000000 /dev/zero | tr "\\0" d; echo; echo end' });
			await expect
				.poll(() => Number(execFileSync('df', ['--output=avail', home]).toString().split('\n')[1]))
				.toBeLessThan(1100);
			expect(run.finish).toBeNull();
			// The disk is full of this very log: room comes when somebody else gives some back, or more is given.
			execFileSync('mount', ['-o', 'remount,size=40m', home]);
			hub.ackAll();
			await hub.ended(run);
			expect(run.bytes).toBe(9_000_005);
			expect(run.finish?.outcome).toBe('success');
			await agent.end('SIGTERM');
		});

		it('an offer is refused rather than accepted without a trace', async () => {
			const agent = await AgentProcess.create(hub, { home });
			writeFileSync(path.join(home, 'ballast'), '');
			try {
				execFileSync('sh', ['-c', 'cat /dev/zero > "$1"', 'sh', path.join(home, 'ballast')], { stdio: 'ignore' });
			} catch {
				// It ends when the disk is full, which is what it is for.
			}
			const run = hub.offer({ script: 'echo never' });
			await hub.ended(run);
			expect(run.refused ?? run.finish?.reason).toMatchObject({ code: 'start_failed' });
			rmSync(path.join(home, 'ballast'));
			const next = hub.offer({ script: 'echo again' });
			await hub.ended(next);
			expect(textOf(next)).toBe('again\n');
			await agent.end('SIGTERM');
		});
	},
);
