// The hub or the agent is killed, or the line between them cut, at each step of a run. Afterwards, whatever happened: the
// script was started at most once, the hub's log is what the script wrote, and the run has one final state that stays.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '#tests/support/api.ts';
import { CutProxy, type Direction } from '#tests/support/cut-proxy.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { type RealAgent, realAgent } from '#tests/support/real-agent.ts';

const LINES = 60;
// Each start leaves the run's id in `spawns`; each line goes to the log and, first, to `lines`.
const SCRIPT = `#!/bin/sh
echo "$UHUB_RUN_ID" >> "$UHUB_PARAM_DIR/spawns"
i=0
while [ $i -lt ${String(LINES)} ]; do
	i=$((i + 1))
	echo "line $i of run $UHUB_RUN_ID" | tee -a "$UHUB_PARAM_DIR/lines"
	sleep 0.02
done
`;

let hub: TestHub;
let admin: Api;
let proxy: CutProxy;
let agent: RealAgent;
let job_id: number;

beforeAll(async () => {
	hub = await startHub({ agent: false });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	proxy = await CutProxy.start(hub.url);
	agent = await realAgent(admin, { dial: proxy.url });
	({ job_id } = await admin.jobWith(SCRIPT));
});

afterAll(async () => {
	await agent.remove();
	await proxy.close();
	await hub.stop();
});

/** Of all the runs here, as they were told first. */
const ends: Record<string, unknown>[] = [];

interface Story {
	row: Record<string, unknown>;
	spawns: number;
	/** What the script wrote, and what the hub kept. */
	file: string;
	log: string;
}

/** Runs the script; at the `nth` message of `type` in `direction` does `fault` (and holds the message back); waits for the end. */
async function story(direction: Direction, type: string, fault: () => Promise<void>, nth = 1): Promise<Story> {
	const dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-fault-'));
	let seen = 0;
	let done: Promise<void> | undefined;
	const struck = new Promise<void>((resolve) => {
		proxy.watch = (d, m) => {
			if (done || d !== direction || m.type !== type || ++seen !== nth) return 'pass';
			done = fault();
			resolve();
			return 'drop';
		};
	});
	// What an agent has of a script it does not ask for again.
	const job = type === 'blob' ? await admin.jobWith(`${SCRIPT}# ${dir}\n`) : { job_id };
	const run_id = await admin.run(job.job_id, { parameters: { DIR: dir } });
	await struck;
	await done;
	const row = await admin.ended(run_id, 120_000);
	ends.push(row);
	proxy.watch = () => 'pass';
	const read = (name: string) => {
		try {
			return readFileSync(path.join(dir, name), 'utf8');
		} catch {
			return '';
		}
	};
	const told = {
		row,
		spawns: read('spawns').split('\n').filter(Boolean).length,
		file: read('lines'),
		log: (await admin.log(run_id)).toString(),
	};
	rmSync(dir, { recursive: true, force: true });
	return told;
}

const hubDies = async () => {
	await hub.kill9();
	await hub.restart();
};
const agentDies = async () => {
	await agent.kill9();
	agent.start();
};

describe('the hub is killed', () => {
	for (const [when, direction, type, nth] of [
		['as it offers', 'to_agent', 'offer', 1],
		['as the agent accepts', 'to_hub', 'accept', 1],
		['as it hands over the script', 'to_agent', 'blob', 1],
		['as it grants', 'to_agent', 'grant', 1],
		['as the agent says that it started', 'to_hub', 'started', 1],
		['in the middle of the log', 'to_hub', 'chunk', 10],
		['as it acknowledges a part of the log', 'to_agent', 'ack', 5],
		['as the agent reports the end', 'to_hub', 'finish', 1],
		['as it says that the end is kept', 'to_agent', 'finished', 1],
	] as const)
		it(`${when}: the script runs once, whole, and the log is whole`, async () => {
			const { row, spawns, file, log } = await story(direction, type, hubDies, nth);
			expect(row.status, JSON.stringify(row.reason)).toBe('success');
			expect(spawns).toBe(1);
			expect(file.split('\n').length).toBe(LINES + 1);
			expect(log).toBe(file);
		});
});

describe('the agent is killed', () => {
	for (const [when, direction, type] of [
		['before it accepted', 'to_agent', 'offer'],
		['as it accepts', 'to_hub', 'accept'],
		['before the grant reached it', 'to_agent', 'grant'],
	] as const)
		it(`${when}: the run goes back to the queue and runs once`, async () => {
			const { row, spawns, file, log } = await story(direction, type, agentDies);
			expect(row.status, JSON.stringify(row.reason)).toBe('success');
			expect(spawns).toBe(1);
			expect(log).toBe(file);
		});

	it('in the middle of the run: nothing is run again, and what is kept is what the script wrote', async () => {
		const { row, spawns, file, log } = await story('to_hub', 'chunk', agentDies, 10);
		expect(row.status).toBe('lost');
		expect(row.reason).toMatchObject({ code: 'agent_lost' });
		expect(spawns).toBe(1);
		expect(log.length).toBeGreaterThan(0);
		expect(file.startsWith(log)).toBe(true);
	});

	it('as it reports the end: the end is reported after all, once', async () => {
		const { row, spawns, file, log } = await story('to_hub', 'finish', agentDies);
		expect(row.status, JSON.stringify(row.reason)).toBe('success');
		expect(spawns).toBe(1);
		expect(log).toBe(file);
	});
});

describe('the line is cut', () => {
	it('for 10 s: the run goes on, is shown as disconnected, and nothing of the log is missing', async () => {
		let phase: unknown;
		const { row, spawns, file, log } = await story(
			'to_hub',
			'chunk',
			async () => {
				proxy.cut();
				const [open] = (await admin.get('/api/runs?status=running')).items as { id: number }[];
				const until = Date.now() + 10_000;
				while (Date.now() < until) {
					phase = (await admin.get(`/api/runs/${String(open?.id)}`)).phase;
					await new Promise((resolve) => setTimeout(resolve, 250));
				}
				proxy.heal();
			},
			10,
		);
		expect(phase).toBe('disconnected');
		expect(row.status).toBe('success');
		expect(spawns).toBe(1);
		expect(log).toBe(file);
	});
});

it('what ended stays as it was told first', async () => {
	await hub.restart();
	expect(ends.length).toBeGreaterThan(0);
	for (const { id, status, reason, finished_at } of ends)
		expect(await admin.get(`/api/runs/${String(id)}`)).toMatchObject({ status, reason, finished_at });
});
