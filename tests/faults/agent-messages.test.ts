// The line is cut and the agent killed at every message of a run. Whatever happens: the script is started at most once, the hub's
// log is what the script wrote, and there is one end that stays.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentProcess, processesWith } from '#tests/support/agent-process.ts';
import { type Direction, FakeHub, type Fate, type HubRun, textOf } from '#tests/support/fake-hub.ts';

const LINES = 40;
let hub: FakeHub;
let agent: AgentProcess;
let dir: string;

beforeEach(async () => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-faults-'));
	hub = await FakeHub.start();
	agent = await AgentProcess.create(hub);
});

afterEach(async () => {
	await agent.remove();
	await hub.stop();
	rmSync(dir, { recursive: true, force: true });
});

/** Each start leaves a line in `spawns`; each line goes to `lines` first, then to the log. */
const SCRIPT = `#!/bin/sh
echo "$UHUB_RUN_ID" >> "$UHUB_PARAM_DIR/spawns"
i=0
while [ $i -lt ${String(LINES)} ]; do
	i=$((i + 1))
	echo "line $i" >> "$UHUB_PARAM_DIR/lines"
	echo "line $i"
	sleep 0.01
done
`;
const offer = (): HubRun => hub.offer({ script: SCRIPT, parameters: { DIR: dir } });
const written = (name: string): string =>
	existsSync(path.join(dir, name)) ? readFileSync(path.join(dir, name), 'utf8') : '';
const spawns = (): number => written('spawns').split('\n').length - 1;

/** Does `fault` at the nth message of a kind, once; resolves when it has struck. */
function strike(direction: Direction, type: string, nth: number, fault: () => Fate): Promise<void> {
	return new Promise((resolve) => {
		let seen = 0;
		hub.watch = (d, t) => {
			if (d !== direction || t !== type || ++seen !== nth) return 'pass';
			resolve();
			return fault();
		};
	});
}

const MOMENTS: [string, Direction, string, number][] = [
	['the offer', 'to_agent', 'offer', 1],
	['the acceptance', 'to_hub', 'accept', 1],
	['the script', 'to_agent', 'blob', 1],
	['the grant', 'to_agent', 'grant', 1],
	['the start', 'to_hub', 'started', 1],
	['the first line', 'to_hub', 'chunk', 1],
	['a later line', 'to_hub', 'chunk', 7],
	['an acknowledgement', 'to_agent', 'ack', 5],
	['the end', 'to_hub', 'finish', 1],
	['the word that the end is kept', 'to_agent', 'finished', 1],
];

async function expectWhole(run: HubRun): Promise<void> {
	await hub.ended(run);
	expect(run.finish, JSON.stringify(run.finish)).toMatchObject({ outcome: 'success', exit_code: 0 });
	expect(spawns()).toBe(1);
	expect(textOf(run)).toBe(written('lines'));
	expect(written('lines').split('\n').length - 1).toBe(LINES);
	await expect
		.poll(() =>
			readFileSync(path.join(agent.home, 'journal'), 'utf8')
				.trim()
				.endsWith('"gone","run_id":1,"epoch":' + String(run.epoch) + '}'),
		)
		.toBe(true);
	expect(hub.faults).toEqual([]);
}

describe('the line is cut', () => {
	for (const [what, direction, type, nth] of MOMENTS)
		for (const [when, fate] of [
			['before', 'cut'],
			['after', 'cut_after'],
		] as const)
			it(`${when} ${what}: the script runs once, and the log is whole`, async () => {
				const struck = strike(direction, type, nth, () => fate);
				const run = offer();
				await struck;
				await expectWhole(run);
			});

	it('again and again: the same', async () => {
		let messages = 0;
		hub.watch = () => (++messages % 13 === 0 ? 'cut' : 'pass');
		const run = offer();
		await hub.ended(run, 60_000);
		hub.watch = () => 'pass';
		await expectWhole(run);
		expect(hub.hellos.length).toBeGreaterThan(3);
	});

	it('and the cancel is lost with it: the next connection says it again', async () => {
		const run = hub.offer({ script: 'echo on; while :; do sleep 0.05; done' });
		await hub.until(() => textOf(run) === 'on\n', 'the script');
		hub.watch = (_, type) => (type === 'cancel' ? 'cut' : 'pass');
		hub.cancel(run);
		await hub.ended(run);
		expect(run.finish?.outcome).toBe('canceled');
	});

	it('and only a heartbeat tells of the cancel: the answer stops it', async () => {
		hub.heartbeat_s = 0.05;
		hub.cut();
		await hub.until(() => hub.hellos.length > 1, 'a new connection');
		const run = hub.offer({ script: 'echo on; while :; do sleep 0.05; done' });
		await hub.until(() => textOf(run) === 'on\n', 'the script');
		await hub.until(
			() =>
				hub.messages.some(
					(m) => m.type === 'heartbeat' && m.host !== null && m.runs.some((r) => r.run_id === run.run_id),
				),
			'a heartbeat',
		);
		hub.send({ type: 'lease', runs: [{ run_id: run.run_id, epoch: run.epoch, desired: 'cancel' }] });
		await hub.ended(run);
		expect(run.finish?.outcome).toBe('canceled');
	});

	it('half: a hub that neither reads nor answers is left', async () => {
		const before = hub.hellos.length;
		hub.freeze();
		await hub.until(() => hub.hellos.length > before, 'a new connection');
	});
});

describe('the agent is killed (-9)', () => {
	for (const [what, direction, type, nth] of MOMENTS.slice(0, 4))
		it(`at ${what}: the run goes back, and the script runs once`, async () => {
			const struck = strike(direction, type, nth, () => {
				process.kill(agent.pid, 'SIGKILL');
				return 'cut';
			});
			const run = offer();
			await struck;
			await agent.end('SIGKILL');
			await agent.start();
			await expectWhole(run);
		});

	for (const [what, direction, type, nth] of MOMENTS.slice(4, 8))
		it(`at ${what}: the run is lost, never started again, and nothing of it lives on`, async () => {
			const struck = strike(direction, type, nth, () => {
				process.kill(agent.pid, 'SIGKILL');
				return 'cut';
			});
			const run = offer();
			await struck;
			await agent.end('SIGKILL');
			await agent.start();
			await hub.ended(run);
			expect(run.finish).toMatchObject({ outcome: 'lost', reason: { code: 'agent_lost' } });
			expect(spawns()).toBeLessThanOrEqual(1);
			expect(written('lines').startsWith(textOf(run))).toBe(true);
			expect(processesWith(`${dir}\0`)).toEqual([]);
			expect(hub.faults).toEqual([]);
		});

	for (const [what, direction, type, nth] of MOMENTS.slice(8))
		it(`at ${what}: the end is told again, and is the same`, async () => {
			const struck = strike(direction, type, nth, () => {
				process.kill(agent.pid, 'SIGKILL');
				return type === 'finish' ? 'drop' : 'pass';
			});
			const run = offer();
			await struck;
			await agent.end('SIGKILL');
			await agent.start();
			await expectWhole(run);
		});

	it('while its script is deaf to everything: what lives on is ended before anything is said of it', async () => {
		const script = `trap '' INT TERM HUP PIPE; (setsid sh -c 'trap "" INT TERM HUP; while :; do sleep 0.1; done' &) ; echo on; while :; do sleep 0.1; done`;
		const run = hub.offer({ script, parameters: { DIR: dir } });
		await hub.until(() => textOf(run) === 'on\n', 'the script');
		await agent.end('SIGKILL');
		await expect.poll(() => processesWith(`${dir}\0`).length).toBeGreaterThan(1);
		await agent.start();
		expect(processesWith(`${dir}\0`)).toEqual([]);
		await hub.ended(run);
		expect(run.finish?.outcome).toBe('lost');
	});

	it('with a log the hub has not seen: the rest of it comes after all', async () => {
		hub.acknowledges = false;
		const run = hub.offer({ script: 'head -c 3000000 /dev/zero | tr "\\0" z; echo; echo spooled; sleep 100' });
		await hub.until(() => run.bytes > 700_000, 'the window to fill');
		const spool = path.join(agent.home, 'spool', '1-1');
		await expect
			.poll(() => existsSync(spool) && readFileSync(path.join(spool, '0000000001')).includes('spooled'))
			.toBe(true);
		await agent.end('SIGKILL');
		hub.acknowledges = true;
		await agent.start();
		await hub.ended(run);
		expect(run.finish?.outcome).toBe('lost');
		expect(run.bytes).toBe(3_000_009);
		expect(hub.faults).toEqual([]);
	});

	it('and its journal is damaged: what may have started is lost, not started again', async () => {
		hub.autopilot = false;
		const run = offer();
		await hub.until(() => run.accepted, 'the acceptance');
		await agent.end('SIGKILL');
		appendFileSync(path.join(agent.home, 'journal'), 'damaged\n');
		run.granted = true;
		hub.autopilot = true;
		await agent.start();
		await hub.ended(run);
		expect(run.finish?.outcome).toBe('lost');
		expect(spawns()).toBe(0);
	});
});

describe('the agent is told to stop', () => {
	it('ends its runs first, tells the hub, and leaves with 0', async () => {
		const run = hub.offer({
			script: `trap '' INT; echo on; while :; do sleep 0.1; done`,
			parameters: { DIR: dir },
			grace_s: 60,
		});
		await hub.until(() => textOf(run) === 'on\n', 'the script');
		const stopped = agent.end('SIGTERM');
		await hub.ended(run);
		expect(run.finish).toMatchObject({ outcome: 'canceled', reason: { code: 'agent_stopped' } });
		expect(await stopped).toBe(0);
		expect(processesWith(`${dir}\0`)).toEqual([]);
	});

	it('without a hub: ends its runs all the same, within its ten seconds, and tells of them when it is back', async () => {
		const run = hub.offer({ script: 'echo on; while :; do sleep 0.1; done', parameters: { DIR: dir } });
		await hub.until(() => textOf(run) === 'on\n', 'the script');
		hub.open = false;
		hub.cut();
		expect(await agent.end('SIGTERM')).toBe(0);
		expect(processesWith(`${dir}\0`)).toEqual([]);
		hub.open = true;
		await agent.start();
		await hub.ended(run);
		expect(run.finish).toMatchObject({ outcome: 'canceled', reason: { code: 'agent_stopped' } });
		expect(hub.faults).toEqual([]);
	});
});

describe('without the hub', () => {
	it('a run goes on by default, and its log comes when the hub is back', async () => {
		const run = offer();
		await hub.until(() => run.seq > 2, 'the log');
		hub.open = false;
		hub.cut();
		await expect.poll(() => written('lines').split('\n').length - 1).toBe(LINES);
		hub.open = true;
		await expectWhole(run);
	});

	it('a run that is to stop is stopped when its time is over', async () => {
		await agent.end('SIGTERM');
		agent.policy(
			'version: 1\nprojects: all\nbackends: [local]\ntools: [shell]\nscripts: { uploaded: true }\npartition: { after_s: 1 }\n',
		);
		await agent.start();
		const goes = hub.offer({
			script: 'echo on; while [ ! -e $UHUB_PARAM_DIR/stop ]; do sleep 0.05; done',
			parameters: { DIR: dir },
		});
		const stops = hub.offer({
			script: 'echo on; while :; do sleep 0.05; done',
			on_partition: 'stop',
			parameters: { DIR: `${dir}/x` },
		});
		await hub.until(() => goes.seq > 0 && stops.seq > 0, 'both');
		hub.open = false;
		hub.cut();
		await expect.poll(() => processesWith(`${dir}/x\0`).length).toBe(0);
		expect(processesWith(`${dir}\0`).length).toBeGreaterThan(0);
		hub.open = true;
		appendFileSync(path.join(dir, 'stop'), '');
		await hub.ended(stops);
		await hub.ended(goes);
		expect(stops.finish?.reason?.message).toContain('out of reach');
		expect(goes.finish?.outcome).toBe('success');
	});
});
