// A cancel that meets the end of its run, and a store that is away while a log is moved there: on a real hub, with a real agent. Whatever
// comes first, each run has one end that stays, and its log is what the script wrote.
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { processesWith } from '#tests/support/agent-process.ts';
import { Api } from '#tests/support/api.ts';
import { Gates } from '#tests/support/gates.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { type RealAgent, realAgent } from '#tests/support/real-agent.ts';
import { seeded } from '#tests/support/seeded.ts';

const SEED = Number(process.env['FAULT_SEED'] ?? 66);
const gates = new Gates();
const dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-ends-'));
/** Of the runs that were canceled, as they were told first. */
const raced: Record<string, unknown>[] = [];
let hub: TestHub;
let admin: Api;
let agent: RealAgent;

beforeAll(async () => {
	hub = await startHub({ agent: false });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	agent = await realAgent(admin);
});
afterAll(async () => {
	await agent.remove();
	await hub.stop();
	gates.remove();
	rmSync(dir, { recursive: true, force: true });
});

const said = async (run_id: number) => (await admin.log(run_id)).toString();

it(`a cancel that races the end (seed ${String(SEED)}) leaves one end, the one that the agent tells, and nothing alive`, async () => {
	const AT_ONCE = 8;
	const ROUNDS = 3;
	const random = seeded(SEED);
	const { job_id } = await admin.jobWith(`#!/bin/sh
echo "$UHUB_RUN_ID $UHUB_RUN_MARK" >> ${dir}/spawns
echo on
while [ ! -e ${gates.dir}/$UHUB_RUN_ID ]; do sleep 0.01; done
echo off
`);
	/** Of each that was started its run, and the mark of its processes: other hubs on this machine have runs of the same ids. */
	const spawns = () =>
		readFileSync(path.join(dir, 'spawns'), 'utf8')
			.trim()
			.split('\n')
			.map((line) => {
				const [run_id, mark = ''] = line.split(' ');
				return { run_id: Number(run_id), mark };
			});
	for (let round = 0; round < ROUNDS; round++) {
		const runs: number[] = [];
		for (let n = 0; n < AT_ONCE; n++) runs.push(await admin.run(job_id));
		await Promise.all(runs.map((run_id) => expect.poll(() => said(run_id)).toBe('on\n')));
		const canceled = await Promise.all(
			runs.map(async (run_id) => {
				// Which of the two is sooner, and by how much.
				const cancelLater_ms = (random() - 0.5) * 100;
				const [{ status }] = await Promise.all([
					sleep(Math.max(0, cancelLater_ms)).then(() => admin.call('POST', `/api/runs/${String(run_id)}/cancel`, {})),
					sleep(Math.max(0, -cancelLater_ms)).then(() => {
						gates.open(String(run_id));
					}),
				]);
				return status;
			}),
		);
		for (const [n, run_id] of runs.entries()) {
			const row = await admin.ended(run_id);
			const log = await said(run_id);
			const story = JSON.stringify({ SEED, round, n, cancel: canceled[n], log, reason: row.reason });
			expect([202, 409], story).toContain(canceled[n]);
			// The cancel came too late, or was in vain: the script was through. Else it was ended by it.
			if (row.status === 'success') expect([row.reason, row.exit_code, log], story).toEqual([null, 0, 'on\noff\n']);
			else {
				expect([row.status, canceled[n]], story).toEqual(['canceled', 202]);
				expect(row.reason, story).toMatchObject({ code: 'canceled_by_user' });
				expect('on\noff\n'.startsWith(log), story).toBe(true);
			}
			const mark = spawns().find((s) => s.run_id === run_id)?.mark;
			expect(mark, story).toMatch(/^\S{8,}$/);
			expect(processesWith(`UHUB_RUN_MARK=${String(mark)}\0`), story).toEqual([]);
			raced.push(row);
		}
	}
	const ids = spawns().map(({ run_id }) => run_id);
	expect(ids.sort((a, b) => a - b)).toEqual(raced.map(({ id }) => id).sort((a, b) => Number(a) - Number(b)));
});

it('a store that is away while a log is moved there costs nothing of the log, nor does a hub that dies of it', async () => {
	const PADDING = '7'.padStart(120, '0');
	const store = path.join(hub.dataDir, 'r2/uhub-store/blobs');
	const kept = () => readdirSync(store).length;
	const hubLog = () => readFileSync(path.join(hub.dataDir, 'logs/hub.log'), 'utf8');
	const script = (gate: string) => `#!/bin/sh
echo "$UHUB_RUN_ID" >> ${dir}/writers
echo on
${gates.wait('on')}
seq -f 'line %.0f ${PADDING}' 1 110000
${gates.wait(gate)}
seq -f 'line %.0f ${PADDING}' 110001 120000
`;
	const written = 'on\n' + Array.from({ length: 120_000 }, (_, i) => `line ${String(i + 1)} ${PADDING}\n`).join('');
	const jobs = [await admin.jobWith(script('store')), await admin.jobWith(script('away'))];
	const runs: number[] = [];
	for (const { job_id } of jobs) runs.push(await admin.run(job_id));
	const [goesOn = 0, ends = 0] = runs;
	for (const run_id of runs) await expect.poll(() => said(run_id)).toBe('on\n');
	const before = kept();
	// A file where its directory was: nothing is read there, and nothing written.
	renameSync(store, `${store}.away`);
	writeFileSync(store, '');
	gates.open('on');
	// Each of them has been moved there, in vain.
	await expect.poll(() => hubLog().split('at async R2BucketObject.put').length - 1).toBe(runs.length);
	gates.open('away');
	expect(await admin.ended(ends)).toMatchObject({ status: 'success', exit_code: 0, log_bytes: written.length });
	await hub.kill9();
	await hub.restart();
	expect((await said(ends)) === written).toBe(true);
	rmSync(store);
	renameSync(`${store}.away`, store);
	gates.open('store');
	expect(await admin.ended(goesOn)).toMatchObject({ status: 'success', exit_code: 0, log_bytes: written.length });
	// Now it is there.
	await expect.poll(kept).toBeGreaterThan(before);
	for (const run_id of runs) expect((await said(run_id)) === written).toBe(true);
	const writers = readFileSync(path.join(dir, 'writers'), 'utf8').trim().split('\n').map(Number);
	expect(writers.sort((a, b) => a - b)).toEqual(runs);
});

it('what a cancel raced stays as it was told first, and its end was written down once', async () => {
	await hub.restart();
	expect(raced.length).toBeGreaterThan(0);
	for (const { id, status, reason, finished_at } of raced) {
		expect(await admin.get(`/api/runs/${String(id)}`)).toMatchObject({ status, reason, finished_at });
		const finishes = `/api/audit?action=run.finish&object_type=Run&object_id=${String(id)}`;
		expect((await admin.get(finishes)).items, finishes).toHaveLength(1);
	}
});
