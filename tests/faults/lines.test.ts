// Lines that die without a word, clocks that are wrong, and everybody coming back at once, on a real hub. Afterwards each script was
// started once, its log is what it wrote, and the run has one end.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '#tests/support/api.ts';
import { type Direction, FrozenLine } from '#tests/support/frozen-line.ts';
import { Gates } from '#tests/support/gates.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { realAgent } from '#tests/support/real-agent.ts';
import { Watching } from '#tests/support/watching.ts';
import { enrol, type Identity, WireAgent } from '#tests/support/wire-agent.ts';

const HOUR_MS = 3_600_000;
const gates = new Gates();
const dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-lines-'));
let hub: TestHub;
let admin: Api;

beforeAll(async () => {
	hub = await startHub({ agent: false });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
});
afterAll(async () => {
	await hub.stop();
	gates.remove();
	rmSync(dir, { recursive: true, force: true });
});

/** Each start leaves a line in `spawns`; each line of the log is in `lines` first. It goes on when its gate opens. */
const script = (name: string) => `#!/bin/sh
echo "$UHUB_RUN_ID" >> ${dir}/${name}.spawns
say() { echo "$1" >> ${dir}/${name}.lines; echo "$1"; }
for i in $(seq 50); do say "line $i of ${name}"; done
${gates.wait(name)}
for i in $(seq 50); do say "and $i of ${name}"; done
`;
const written = (file: string) => readFileSync(path.join(dir, file), 'utf8');

/** Begins the script on the agent with this label; resolves when the hub has its first half. */
async function begin(name: string): Promise<number> {
	const { job_id } = await admin.jobWith(script(name), { labels: { at: name } });
	const run_id = await admin.run(job_id);
	await expect.poll(async () => (await admin.log(run_id)).toString()).toContain('line 50 of');
	return run_id;
}

async function expectWhole(name: string, run_id: number): Promise<Record<string, unknown>> {
	gates.open(name);
	const row = await admin.ended(run_id);
	expect(row, name).toMatchObject({ status: 'success', exit_code: 0 });
	expect(written(`${name}.spawns`)).toBe(`${String(run_id)}\n`);
	expect((await admin.log(run_id)).toString()).toBe(written(`${name}.lines`));
	expect(written(`${name}.lines`)).toContain(`and 50 of ${name}`);
	return row;
}

const ways: Record<string, Direction[]> = {
	nothing_to_the_hub: ['to_hub'],
	nothing_to_the_agent: ['to_agent'],
	nothing_either_way: ['to_hub', 'to_agent'],
};

it('a line that goes dead, one way or both, is left by the agent; the run goes on and is whole', async () => {
	await Promise.all(
		Object.entries(ways).map(async ([name, directions]) => {
			const line = await FrozenLine.start(hub.url);
			const agent = await realAgent(admin, { dial: line.url, labels: { at: name } });
			try {
				const run_id = await begin(name);
				line.freeze(...directions);
				await expect.poll(() => agent.output()).toContain('nothing was heard for');
				// What it writes meanwhile is sent to nobody; some of it is under way in a line that nobody is at.
				gates.open(name);
				await expect.poll(() => written(`${name}.lines`)).toContain(`and 50 of ${name}`);
				line.heal();
				await expectWhole(name, run_id);
			} finally {
				await agent.remove();
				await line.close();
			}
		}),
	);
}, 90_000);

it('a line that is dead for 90 s, longer than the lease: the run is shown as it is, its agent as offline, and both go on where they were', async () => {
	const name = 'dead_for_90_s';
	const line = await FrozenLine.start(hub.url);
	const agent = await realAgent(admin, { dial: line.url, labels: { at: name } });
	try {
		const run_id = await begin(name);
		line.freeze('to_hub', 'to_agent');
		const healed_at = Date.now() + 90_000;
		gates.open(name);
		await expect.poll(() => written(`${name}.lines`)).toContain(`and 50 of ${name}`);
		const shown = async () => ({
			run: (await admin.get(`/api/runs/${String(run_id)}`)).phase,
			agent: (await admin.get(`/api/agents/${String(agent.id)}`)).status,
		});
		await expect.poll(shown, { timeout: 90_000 }).toEqual({ run: 'disconnected', agent: 'offline' });
		await sleep(healed_at - Date.now());
		expect(await shown()).toEqual({ run: 'disconnected', agent: 'offline' });
		line.heal();
		await expectWhole(name, run_id);
		await expect.poll(async () => (await shown()).agent).toBe('online');
	} finally {
		await agent.remove();
		await line.close();
	}
}, 240_000);

/** Sets the clock of a Node process, in its Date alone: what measures time goes on as it is. */
const skewed = (by_ms: number) =>
	`--import=data:text/javascript,${encodeURIComponent(`
		const Real = Date;
		globalThis.Date = class extends Real {
			constructor(...all) { all.length === 0 ? super(Real.now() + ${String(by_ms)}) : super(...all); }
			static now() { return Real.now() + ${String(by_ms)}; }
		};`)}`;

it('an agent whose clock is an hour off, fast or slow, is let in, runs, is canceled and reports as any other', async () => {
	await Promise.all(
		Object.entries({ an_hour_fast: HOUR_MS, an_hour_slow: -HOUR_MS }).map(async ([name, by_ms]) => {
			const env = { NODE_OPTIONS: skewed(by_ms) };
			const agent = await realAgent(admin, { labels: { at: name }, env });
			try {
				const row = await expectWhole(name, await begin(name));
				// The times of the script are its agent's; the run's own, from asking to handing out, are the hub's.
				const off = Date.parse(String(row.finished_at)) - Date.now();
				expect(Math.abs(off - by_ms)).toBeLessThan(HOUR_MS / 2);
				const { job_id } = await admin.jobWith('echo on\nwhile :; do sleep 0.05; done\n', { labels: { at: name } });
				const run_id = await admin.run(job_id);
				await expect.poll(async () => (await admin.log(run_id)).toString()).toBe('on\n');
				await admin.ok('POST', `/api/runs/${String(run_id)}/cancel`, {});
				expect(await admin.ended(run_id)).toMatchObject({ status: 'canceled' });
			} finally {
				await agent.remove();
			}
		}),
	);
}, 90_000);

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

it('a hundred agents and thousands of viewers that lose the hub and come back at once find everything as it was, and a newcomer is let in', async () => {
	const AGENTS = 100;
	const CROWD = 2_000;
	const VIEWERS_EACH = 2;
	const sockets = AGENTS + CROWD + (AGENTS - 1) * VIEWERS_EACH;
	const most = /^Max open files +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
	expect(most === 'unlimited' ? Infinity : Number(most), 'files that may be open: ulimit -n').toBeGreaterThan(
		sockets + 1_000,
	);
	const { project_id, job_id } = await admin.jobWith('true', { labels: { wire: 'yes' } });
	const scope = { project_ids: [project_id], labels: { wire: 'yes' } };
	const identities: Identity[] = [];
	for (let i = 0; i < AGENTS; i++) identities.push(await enrol(admin, `storm-${String(i)}`, scope));
	const hello = { capacity: 1, boot_id: '0'.repeat(32) };
	const agents = await Promise.all(
		identities.map(async (identity) => ({ identity, agent: await WireAgent.connect(hub.url, identity, hello) })),
	);
	// An offer is good for a few seconds: each is waited for from the beginning.
	const beginning = Promise.all(agents.map(async (one) => ({ ...one, at: await one.agent.begin() })));
	await Promise.all(times(AGENTS, () => admin.run(job_id)));
	const runs = await beginning;
	expect(new Set(runs.map(({ at }) => at.run_id)).size).toBe(AGENTS);
	const line = (n: number, of: string) => `${of} of ${String(n)}\n`;
	for (const { agent, at } of runs) {
		agent.ws.send(agent.chunk(at, Buffer.from(line(at.run_id, 'before'))));
		await agent.next('ack');
	}
	// Of the first run a crowd, of the others a few.
	const watched = runs.flatMap(({ at }, i) => times(i === 0 ? CROWD : VIEWERS_EACH, () => at.run_id));
	const lost = await Promise.all(watched.map((run_id) => Watching.of(admin, run_id)));
	await hub.kill9();
	await Promise.all(
		[...lost, ...agents.map(({ agent }) => agent)].map(({ ws }) => ws.readyState === ws.CLOSED || once(ws, 'close')),
	);
	await hub.restart();

	// All of them in the same instant.
	const [back, viewers, newcomer] = await Promise.all([
		Promise.all(
			runs.map(async ({ agent, at, identity }) => {
				const known = [{ ...at, phase: 'started' as const, last_seq: 1 }];
				return { at, agent: await agent.again(hub.url, identity, { ...hello, runs: known }) };
			}),
		),
		Promise.all(watched.map((run_id, i) => Watching.of(admin, run_id, lost[i]?.log.length))),
		Api.signIn(hub.url, 'dev', hub.password),
	]);
	expect(await newcomer.get('/api/auth/me')).toMatchObject({ username: 'dev' });
	for (const { at, agent } of back) {
		agent.ws.send(agent.chunk(at, Buffer.from(line(at.run_id, 'after'))));
		agent.finish(at);
	}
	await Promise.all(back.map(({ agent }) => agent.next('finished')));
	await Promise.all(viewers.map(({ ws }) => ws.readyState === ws.CLOSED || once(ws, 'close')));
	for (const [i, viewer] of viewers.entries()) {
		const run_id = watched[i] ?? 0;
		expect(viewer.closed).toBe(1000);
		expect(`${String(lost[i]?.log)}${String(viewer.log)}`).toBe(line(run_id, 'before') + line(run_id, 'after'));
		expect(viewer.last).toMatchObject({ id: run_id, status: 'success' });
	}
	for (const { at } of runs) expect(await admin.ended(at.run_id)).toMatchObject({ status: 'success', epoch: 1 });
	await Promise.all(back.map(({ agent }) => agent.close()));
});
