// The hub or the agent is killed, or the line between them cut, at each step of a run. Afterwards, whatever happened: the
// script was started at most once, the hub's log is what the script wrote, and the run has one final state that stays.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ToAgent } from '#protocol/agent.ts';
import { decodeChunk, decodeFrame, Kind } from '#protocol/run-frames.ts';
import { expectWhole, FaultScene, SCRIPT, type Strike } from '#tests/support/fault-scene.ts';
import { drawn, seeded } from '#tests/support/seeded.ts';

const SEED = Number(process.env['FAULT_SEED'] ?? 66);

let scene: FaultScene;

beforeAll(async () => {
	scene = await FaultScene.set();
});
afterAll(() => scene.remove());

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
			// What an agent has of a script it does not ask for again.
			const of = type === 'blob' ? await scene.admin.jobWith(`${SCRIPT}# another\n`) : {};
			expectWhole(await scene.story([{ direction, type, nth, then: scene.hubDies }], of));
		});
});

describe('the agent is killed', () => {
	for (const [when, direction, type] of [
		['before it accepted', 'to_agent', 'offer'],
		['as it accepts', 'to_hub', 'accept'],
		['before the grant reached it', 'to_agent', 'grant'],
	] as const)
		it(`${when}: the run goes back to the queue and runs once`, async () => {
			expectWhole(await scene.story([{ direction, type, then: scene.agentDies }]));
		});

	it('in the middle of the run: nothing is run again, and what is kept is what the script wrote', async () => {
		const told = await scene.story([{ direction: 'to_hub', type: 'chunk', nth: 10, then: scene.agentDies }]);
		expect(told.row).toMatchObject({ status: 'lost', reason: { code: 'agent_lost' } });
		expect(told).toMatchObject({ spawns: 1, alive: [] });
		expect(told.log.length).toBeGreaterThan(0);
		expect(told.file.startsWith(told.log)).toBe(true);
	});

	it('as it reports the end: the end is reported after all, once', async () => {
		expectWhole(await scene.story([{ direction: 'to_hub', type: 'finish', then: scene.agentDies }]));
	});
});

describe('the line is cut', () => {
	it('for 10 s: the run goes on, is shown as disconnected, and nothing of the log is missing', async () => {
		let phase: unknown;
		const away = async (run_id: number) => {
			scene.proxy.cut();
			const until = Date.now() + 10_000;
			while (Date.now() < until) {
				phase = (await scene.admin.get(`/api/runs/${String(run_id)}`)).phase;
				await new Promise((resolve) => setTimeout(resolve, 250));
			}
			scene.proxy.heal();
		};
		expectWhole(await scene.story([{ direction: 'to_hub', type: 'chunk', nth: 10, then: away }]));
		expect(phase).toBe('disconnected');
	});
});

const AT_ONCE = 8;
/** Messages that each of so many runs has once at least (a script is sent for all of them together), and those of an agent that comes back. */
const OF_RUNS = [
	['to_agent', 'offer'],
	['to_hub', 'accept'],
	['to_agent', 'blob'],
	['to_agent', 'grant'],
	['to_hub', 'started'],
	['to_hub', 'chunk'],
	['to_agent', 'ack'],
	['to_hub', 'finish'],
	['to_agent', 'finished'],
] as const;
const OF_RETURN = [
	['to_agent', 'challenge'],
	['to_hub', 'hello'],
	['to_agent', 'welcome'],
	['to_hub', 'heartbeat'],
	['to_agent', 'lease'],
] as const;

/** Notes how much of each run's log the hub said it keeps, beside what watches the line already. */
function noteAcks(): Map<number, number> {
	const ends = new Map<string, number>();
	const kept = new Map<number, number>();
	const { watch } = scene.proxy;
	scene.proxy.watch = (direction, message, bytes) => {
		if (message.type === 'chunk') {
			const { run_id, epoch, seq, frame } = decodeChunk(bytes);
			const { kind, offset, payload } = decodeFrame(frame);
			ends.set([run_id, epoch, seq].join(), offset + (kind === Kind.log ? payload.length : 0));
		} else if (message.type === 'ack') {
			const ack = ToAgent.parse(message);
			if (ack.type === 'ack') kept.set(ack.run_id, ends.get([ack.run_id, ack.epoch, ack.seq].join()) ?? Infinity);
		}
		return watch(direction, message, bytes);
	};
	return kept;
}

it(`whatever kills whom at whichever message (seed ${String(SEED)}), each of many runs starts at most once, and what the hub said it keeps of a log it has`, async () => {
	const random = seeded(SEED);
	const faults = { hub: scene.hubDies, agent: scene.agentDies, line: scene.lineIsCut };
	const strike = (of: typeof OF_RUNS | typeof OF_RETURN, most: number) => {
		const who = drawn(random, ['hub', 'agent', 'line']);
		const [direction, type] = drawn<(typeof of)[number]>(random, of);
		const at = {
			...{ direction, type, nth: type === 'blob' ? 1 : 1 + Math.floor(random() * most) },
			message: drawn(random, ['drop', 'last', 'pass']),
		};
		const later_ms = random() * 20;
		const then = () => sleep(later_ms).then(faults[who]);
		return { told: { who, later_ms, ...at }, strike: { ...at, then } satisfies Strike };
	};
	for (let round = 0; round < 3; round++) {
		const strikes = [strike(OF_RUNS, AT_ONCE), strike(OF_RETURN, 1)];
		const story = JSON.stringify({ SEED, round, strikes: strikes.map(({ told }) => told) });
		// Of its own: what an agent has of a script it does not ask for again.
		const job = await scene.admin.jobWith(`${SCRIPT}# round ${String(round)}\n`);
		const through = scene.strikes(
			strikes.map(({ strike }) => strike),
			Promise.resolve(0),
		);
		const kept = noteAcks();
		const runs = await Promise.all(Array.from({ length: AT_ONCE }, () => scene.begin(job)));
		await through;
		const { items } = await scene.admin.get(`/api/runs?project_id=${String(job.project_id)}`);
		expect(items, story).toHaveLength(AT_ONCE);
		for (const run of runs) {
			const told = await scene.told(run);
			const { row, spawns, alive, file, log } = told;
			if (row.status === 'success') expectWhole(told, story);
			else {
				expect([row.status, row.reason], story).toEqual(['lost', expect.objectContaining({ code: 'agent_lost' })]);
				expect(
					strikes.map(({ told }) => told.who),
					story,
				).toContain('agent');
				// The agent may have died when it was just about to.
				expect(spawns, story).toBeLessThanOrEqual(1);
				expect(alive, story).toEqual([]);
				expect(file.startsWith(log), story).toBe(true);
			}
			expect(log.length, story).toBeGreaterThanOrEqual(kept.get(run.run_id) ?? 0);
		}
	}
});

it('what ended stays as it was told first, and its end was written down once', () => scene.expectEndsStay());
