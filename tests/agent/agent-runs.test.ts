// A real agent, a real shell, and a hub that knows exactly what it was told.
import { createHash } from 'node:crypto';
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess, processesWith } from '#tests/support/agent-process.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import type { SpecOf } from '#tests/support/specs.ts';
import { Stream } from '#protocol/run-frames.ts';

const linux = process.platform === 'linux';
let hub: FakeHub;
let agent: AgentProcess;
let dir: string;

beforeAll(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-runs-'));
	mkdirSync(path.join(dir, 'data/sub'), { recursive: true });
	hub = await FakeHub.start();
	agent = await AgentProcess.create(hub, {
		policy: `version: 1
projects: all
backends: [local, dummy]
tools: [shell, custom, ansible, terraform]
scripts: { uploaded: true, data_root: ${dir}/data }
cwd: [${dir}/data]
env: [APP_*]
limits: { timeout_s: 600 }
`,
	});
});

afterAll(async () => {
	await agent.remove();
	await hub.stop();
	rmSync(dir, { recursive: true, force: true });
});

async function ran(of: SpecOf): Promise<HubRun> {
	const run = hub.offer(of);
	await hub.ended(run);
	expect(hub.faults).toEqual([]);
	return run;
}

describe('a run', () => {
	it('tells of its start, its log by stream, and its end', async () => {
		const run = await ran({ script: 'echo out; echo err >&2; printf "no newline"; exit 0' });
		expect(run.finish).toMatchObject({ outcome: 'success', exit_code: 0, reason: null });
		expect(textOf(run, Stream.stdout)).toBe('out\nno newline');
		expect(textOf(run, Stream.stderr)).toBe('err\n');
		expect(run.started).toBe(true);
	});

	it("has an environment of its own, and nothing of the agent's", async () => {
		const run = await ran({
			script: 'env | sort; pwd',
			parameters: { VERSION: '2.4' },
			execution: { backend: 'local', config: { env: { APP_MODE: 'x y' } } },
		});
		const lines = textOf(run).trim().split('\n');
		const cwd = lines.pop();
		const env = Object.fromEntries(lines.map((l) => [l.slice(0, l.indexOf('=')), l.slice(l.indexOf('=') + 1)]));
		expect(
			Object.keys(env)
				.filter((k) => !['_', 'PWD', 'SHLVL', 'OLDPWD'].includes(k))
				.sort(),
		).toEqual([
			'APP_MODE',
			'HOME',
			'LANG',
			'PATH',
			'UHUB_ENVIRONMENT',
			'UHUB_JOB_ID',
			'UHUB_PARAM_VERSION',
			'UHUB_PROJECT',
			'UHUB_RUN_ID',
			'UHUB_RUN_MARK',
		]);
		expect(env).toMatchObject({
			APP_MODE: 'x y',
			UHUB_PARAM_VERSION: '2.4',
			UHUB_PROJECT: 'App',
			UHUB_ENVIRONMENT: 'staging',
		});
		expect(cwd).toBe(env['HOME']);
		await expect.poll(() => existsSync(cwd ?? '')).toBe(false);
	});

	it('carries its steps out in order, marks each, and stops at the first that fails', async () => {
		const steps = [
			hub.scripts.step('echo a', { name: 'first' }),
			hub.scripts.step('#!/bin/sh\nprintf b; exit 3', { name: 'second\u0007', tool: 'custom' }),
			hub.scripts.step('echo c', { name: 'third' }),
		];
		const run = await ran({ steps });
		expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: 3, reason: { code: 'exit_code' } });
		expect(textOf(run)).toBe('── 1/3 first\na\n── 2/3 second\nb');
	});

	it('runs a script by its first line, with the shell where it has none, and says so when neither will do', async () => {
		expect(textOf(await ran({ script: '#!/bin/bash\necho ${BASH_VERSION:+bash}' }))).toBe('bash\n');
		expect(textOf(await ran({ script: 'echo $0' }))).toMatch(/step-1\n$/);
		const missing = await ran({ script: '#!/no/such/program\n' });
		expect(missing.finish).toMatchObject({ outcome: 'failed', reason: { code: 'start_failed' } });
		expect(missing.finish?.reason?.message).toContain('first line');
		expect(textOf(await ran({ steps: [hub.scripts.step('echo plain', { tool: 'custom' })] }))).toBe('plain\n');
		const ansible = await ran({ steps: [hub.scripts.step('x', { tool: 'ansible' })] });
		expect(ansible.finish?.reason).toMatchObject({ code: 'inventory_missing' });
	});

	it('that is killed by somebody else says by what', async () => {
		const run = await ran({ script: 'kill -SEGV $$' });
		expect(run.finish).toMatchObject({ outcome: 'failed', exit_code: null, reason: { code: 'signal' } });
		expect(run.finish?.reason?.message).toContain('SIGSEGV');
	});

	it('that lasts too long is stopped', async () => {
		const run = await ran({ script: 'echo on; sleep 1000', timeout_s: 5 });
		expect(run.finish).toMatchObject({ outcome: 'failed', reason: { code: 'timeout' } });
		// Its time begins before it does: enough of it for a busy machine to come to its first line.
		expect(textOf(run)).toBe('on\n');
	});

	it.each([{ memory_mib: 64, pids: 32 }, { cpus: 0.5 }])(
		'whose limits (%j) cannot be enforced here is not run without them',
		async (limits) => {
			const run = await ran({
				script: `touch ${dir}/unlimited; ulimit -v`,
				execution: { backend: 'local', config: { limits } },
			});
			// A host that gives its agent the controllers runs it; any other says why not.
			if (run.finish?.outcome === 'success') return;
			expect(run.finish?.reason).toMatchObject({ code: 'start_failed' });
			expect(run.finish?.reason?.message).toContain('limits');
			expect(existsSync(`${dir}/unlimited`)).toBe(false);
		},
	);

	it('leaves no directory, spool or journal entry behind', async () => {
		await ran({ script: 'touch a; mkdir b; ln -s / c' });
		const gone = () =>
			readdirSync(path.join(agent.home, 'work')).length === 0 &&
			readdirSync(path.join(agent.home, 'spool')).length === 0;
		await expect.poll(gone).toBe(true);
	});

	it('is carried out by the dummy with its knobs, where the policy names it', async () => {
		const dummy = (config: object) => ran({ execution: { backend: 'dummy', config } });
		expect(textOf(await dummy({ lines: 3 }))).toBe('line 1\nline 2\nline 3\n');
		expect((await dummy({ exit_code: 4 })).finish).toMatchObject({ outcome: 'failed', exit_code: 4 });
		expect((await dummy({ fail_start: true })).finish?.reason).toMatchObject({ code: 'start_failed' });
		expect((await dummy({ fail_tail: true })).finish?.reason).toMatchObject({ code: 'log_incomplete' });
	});
});

describe('a log', () => {
	it('of one line of 50 MB arrives to the byte', async () => {
		const run = await ran({ script: 'head -c 52428800 /dev/zero | tr "\\0" x; echo end' });
		expect(run.bytes).toBe(52_428_800 + 4);
		expect(Buffer.concat(run.log).subarray(-5).toString()).toBe('xend\n');
	});

	it('that is binary arrives to the byte', async () => {
		const file = path.join(dir, 'random');
		const run = await ran({ script: `head -c 3000000 /dev/urandom | tee ${file}` });
		expect(Buffer.concat(run.log).equals(readFileSync(file))).toBe(true);
	});

	it('48: that floods does not hold up another', async () => {
		const flood = hub.offer({ script: 'yes "$(head -c 200 /dev/zero | tr "\\0" f)"' });
		await hub.until(() => flood.bytes > 5_000_000, 'a flood');
		const small = await ran({ script: 'for i in 1 2 3; do echo $i; done' });
		expect(textOf(small)).toBe('1\n2\n3\n');
		expect(flood.finish).toBeNull();
		hub.cancel(flood);
		await hub.ended(flood);
		expect(flood.finish?.outcome).toBe('canceled');
		expect(hub.faults).toEqual([]);
	});

	it('is never more than 1 MiB ahead of the hub, and goes on when it acknowledges', async () => {
		hub.acknowledges = false;
		const run = hub.offer({ script: 'head -c 8000000 /dev/zero | tr "\\0" y' });
		await hub.until(() => run.bytes > 700_000, 'the window to fill');
		expect(run.finish).toBeNull();
		hub.ackAll();
		await hub.ended(run);
		expect(run.bytes).toBe(8_000_000);
		expect(hub.faults).toEqual([]);
	});
});

describe('what is much goes packed', () => {
	/** Says much more than a window holds, and at its end how much that was and its hash. */
	const FLOOD = `seq 1 2000000 > said; cat said; echo; echo "$(wc -c < said) $(sha256sum < said | cut -d' ' -f1)"`;
	const whole = (run: HubRun) => {
		const said = textOf(run);
		const cut = said.lastIndexOf('\n', said.length - 2);
		const text = said.slice(0, cut);
		const sha256 = createHash('sha256').update(text).digest('hex');
		expect(said.slice(cut + 1)).toBe(`${String(text.length)} ${sha256}\n`);
	};

	/** The agent connects anew. */
	async function again() {
		const before = hub.hellos.length;
		hub.cut();
		await hub.until(() => hub.hellos.length > before, 'a new connection');
	}

	afterAll(() => {
		hub.protocol = 1;
		hub.acknowledges = true;
	});

	it('to a hub that takes that, within the same window, and is whole; a line is not', async () => {
		hub.protocol = 4;
		await again();
		hub.acknowledges = false;
		const run = hub.offer({ script: FLOOD });
		await hub.until(() => run.bytes > 2_000_000, 'more than a window of plain chunks holds');
		expect(run.finish).toBeNull();
		hub.ackAll();
		await hub.ended(run);
		expect(run.packed).toBeGreaterThan(2);
		whole(run);
		expect(run.finish?.chunks_sha256).toMatch(/^[0-9a-f]{64}$/);
		const line = await ran({ script: 'echo a line' });
		expect([textOf(line), line.packed]).toEqual(['a line\n', 0]);
		expect(hub.faults).toEqual([]);
	});

	it('and unpacked to one that is of an older protocol by then', async () => {
		hub.protocol = 4;
		await again();
		hub.acknowledges = false;
		const run = hub.offer({ script: FLOOD });
		await hub.until(() => run.packed > 2, 'packed chunks');
		hub.protocol = 3;
		hub.acknowledges = true;
		const before = run.packed;
		await again();
		await hub.ended(run);
		expect(run.packed).toBe(before);
		whole(run);
		expect(run.finish?.chunks_sha256).toBeUndefined();
		expect(hub.faults).toEqual([]);
	});
});

describe.skipIf(!linux)('the end of a run is the end of all it started (found in /proc, so on Linux only)', () => {
	const mark = () => `canary-${Math.random().toString(36).slice(2)}`;
	/** Children that leave the session, ignore INT and TERM, clear their environment, and have children of their own. */
	const stubborn = (m: string) => `
trap '' INT TERM
setsid sh -c 'trap "" INT TERM; while :; do sleep 0.2; done' ${m} &
env -i PATH="$PATH" setsid sh -c '
	setsid sh -c "trap \\"\\" INT TERM HUP; while :; do sleep 0.2; done" ${m} &
	while :; do sleep 0.2; done' ${m} &
( ( nohup sh -c 'while :; do sleep 0.2; done' ${m} >/dev/null 2>&1 & ) & )
while :; do sleep 0.2; done
`;

	it('cancel: no descendant is alive when it is said to be canceled', async () => {
		const m = mark();
		const run = hub.offer({ script: stubborn(m), grace_s: 0 });
		await hub.until(() => run.started, 'the start');
		await expect.poll(() => processesWith(m).length).toBeGreaterThanOrEqual(4);
		hub.cancel(run);
		await hub.ended(run);
		expect(run.finish).toMatchObject({ outcome: 'canceled', reason: { code: 'canceled_by_user' } });
		expect(processesWith(m)).toEqual([]);
	});

	it('cancel: INT comes first, TERM after the grace, KILL after another', async () => {
		const run = hub.offer({
			script: `trap 'echo INT' INT; trap 'echo TERM' TERM; echo ready; while :; do sleep 0.05; done`,
			grace_s: 1,
		});
		await hub.until(() => textOf(run).includes('ready'), 'the script');
		hub.cancel(run);
		await hub.ended(run);
		expect(textOf(run)).toMatch(/^ready\n[^T]*INT\n(.*\n)*TERM\n$/);
	});

	it('cancel: a script that ends at INT may still say so, and is canceled whatever its exit code', async () => {
		const run = hub.offer({
			script: `trap 'echo bye; exit 0' INT; echo ready; while :; do sleep 0.05; done`,
			grace_s: 30,
		});
		await hub.until(() => textOf(run).includes('ready'), 'the script');
		hub.cancel(run);
		await hub.ended(run);
		expect(textOf(run)).toBe('ready\nbye\n');
		expect(run.finish).toMatchObject({ outcome: 'canceled', exit_code: 0 });
	});

	it('cancel before the start: nothing is started, and the end says canceled', async () => {
		hub.autopilot = false;
		const run = hub.offer({ script: `touch ${dir}/started-after-all` });
		await hub.until(() => run.accepted, 'the acceptance');
		hub.cancel(run);
		await hub.ended(run);
		hub.grant(run);
		hub.send({ type: 'finished', run_id: run.run_id, epoch: run.epoch });
		hub.autopilot = true;
		expect(run.finish).toMatchObject({ outcome: 'canceled', started_at: null });
		await ran({ script: 'true' });
		expect(existsSync(`${dir}/started-after-all`)).toBe(false);
	});

	it('cancel: at any moment of many starts at once, all of them end', async () => {
		const m = mark();
		const runs = Array.from({ length: 8 }, () =>
			hub.offer({ script: 'while :; do sleep 0.1; done', parameters: { M: m } }),
		);
		for (const [n, run] of runs.entries()) {
			// Some as soon as they are granted, some when they said that they started.
			await hub.until(() => (n % 2 ? run.granted : run.started), 'a start');
			hub.cancel(run);
		}
		for (const run of runs) await hub.ended(run);
		expect(runs.map((run) => run.finish?.outcome)).toEqual(runs.map(() => 'canceled'));
		expect(processesWith(m)).toEqual([]);
	});

	it('cancel: of one that has only just started is felt by no other', async () => {
		const other = hub.offer({ script: `trap 'echo felt' INT TERM; echo ready; while :; do sleep 0.05; done` });
		await hub.until(() => textOf(other).includes('ready'), 'the script');
		for (let n = 0; n < 12; n++) {
			const run = hub.offer({ script: 'sleep 600' });
			await hub.until(() => (n % 2 ? run.granted : run.started), 'a start');
			hub.cancel(run);
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('canceled');
		}
		expect(textOf(other)).toBe('ready\n');
		expect(other.finish).toBeNull();
		hub.cancel(other);
		await hub.ended(other);
	});

	it('cancel: whenever it comes, no control group stays behind', async () => {
		for (let n = 0; n < 30; n++) {
			const run = hub.offer({ script: 'sleep 600' });
			await hub.until(() => run.granted, 'the grant');
			// Nothing is waited for: each cancel comes at another moment of the start.
			await new Promise((resolve) => setTimeout(resolve, n));
			hub.cancel(run);
			await hub.ended(run);
			expect(run.finish?.outcome).toBe('canceled');
		}
		// Where the agent waits for the next run, if the host gives it any.
		await expect.poll(() => agent.controlGroups().length).toBeLessThan(2);
	});

	it('the script ends: what it left behind is ended, and the log says so', async () => {
		const m = mark();
		const run = await ran({ script: `sh -c 'trap "" TERM INT; while :; do sleep 0.1; done' ${m} & echo done` });
		expect(run.finish).toMatchObject({ outcome: 'success', exit_code: 0 });
		expect(textOf(run)).toContain('done\n');
		expect(textOf(run)).toContain('left processes running');
		expect(processesWith(m)).toEqual([]);
	});

	it('the script ends: what only needs a moment gets it', async () => {
		// It goes on only when the script has ended.
		const run = await ran({ script: '(while [ -e /proc/$$ ]; do :; done; echo late) & echo done' });
		expect(textOf(run)).toBe('done\nlate\n');
	});
});

describe('40, 42: what people type', () => {
	it('40: a parameter is never read by a shell', async () => {
		const canary = path.join(dir, 'canary');
		for (const value of [
			`$(touch ${canary})`,
			`\`touch ${canary}\``,
			`; touch ${canary}`,
			`| touch ${canary}`,
			`\ntouch ${canary}\n`,
			`"' ; touch ${canary} #`,
		]) {
			const run = await ran({
				script: 'printf %s "$UHUB_PARAM_X"',
				parameters: { X: value },
				title: value,
				project: value,
				environment: value,
			});
			expect(textOf(run)).toBe(value);
			expect(run.finish?.outcome).toBe('success');
		}
		const named = await ran({
			steps: [
				hub.scripts.step('true', { name: `$(touch ${canary})` }),
				hub.scripts.step('true', { name: `;touch ${canary}` }),
			],
		});
		expect(named.finish?.outcome).toBe('success');
		expect(existsSync(canary)).toBe(false);
	});

	const fromDisk = (p: string): SpecOf => ({
		steps: [{ location_type: 'fs_path', name: 's', tool: 'shell', path: p, secret: null }],
	});

	it('42: a script under the data root runs, and knows where it lies', async () => {
		writeFileSync(path.join(dir, 'data/sub/ok.sh'), 'echo "$UHUB_SCRIPT_DIR"');
		symlinkSync('sub/ok.sh', path.join(dir, 'data/inside'));
		expect(textOf(await ran(fromDisk('sub/ok.sh')))).toBe(`${dir}/data/sub\n`);
		expect((await ran(fromDisk('inside'))).finish?.outcome).toBe('success');
	});

	it('42: nothing leads out of the data root', async () => {
		writeFileSync(path.join(dir, 'outside.sh'), `touch ${dir}/escaped`);
		symlinkSync('../outside.sh', path.join(dir, 'data/link'));
		symlinkSync(dir, path.join(dir, 'data/up'));
		for (const p of [
			'../outside.sh',
			'sub/../../outside.sh',
			`${dir}/outside.sh`,
			'link',
			'up/outside.sh',
			'sub',
			'nothing',
			'a\0b',
			'',
		]) {
			const run = await ran(fromDisk(p));
			const reason = run.refused ?? run.finish?.reason;
			expect(['refused_by_policy', 'script_missing', 'bad_request'], p).toContain(reason?.code);
		}
		expect(existsSync(`${dir}/escaped`)).toBe(false);
	});

	it('42: a link swapped in while it is read leads nowhere', async () => {
		writeFileSync(path.join(dir, 'outside.sh'), `touch ${dir}/escaped`);
		// Turned back and forth by a run of its own while others are started.
		const swapper = hub.offer({
			script: `cd ${dir}/data; echo 'echo fine' > real; while :; do ln -sfn ../outside.sh swap; cp real tmp; mv -T tmp swap; done`,
		});
		await hub.until(() => swapper.started, 'the swapper');
		for (let n = 0; n < 25; n++) {
			const run = await ran(fromDisk('swap'));
			expect(run.finish?.outcome === 'success' ? textOf(run) : run.finish?.reason?.code).toMatch(
				/^fine\n$|^script_missing$/,
			);
		}
		hub.cancel(swapper);
		await hub.ended(swapper);
		expect(existsSync(`${dir}/escaped`)).toBe(false);
	});

	it('42: a working directory is one the policy names, with its links followed', async () => {
		const cwd = (p: string) => ran({ script: 'pwd', execution: { backend: 'local', config: { cwd: p } } });
		expect(textOf(await cwd(`${dir}/data/sub`))).toBe(`${dir}/data/sub\n`);
		for (const p of [`${dir}/data/up`, `${dir}/data/none`, dir, `${dir}/data/../data`])
			expect((await cwd(p).then((r) => r.refused ?? r.finish?.reason))?.code, p).toBe('refused_by_policy');
	});
});
