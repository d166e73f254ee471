// The hub is killed at the messages that not every run has (a cancel, a refusal, a line that comes back), and right after those that every run
// has arrived (tests/faults/at-most-once.test.ts kills it before they do). Afterwards each run has one end that stays, and nothing of it lives.
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Direction } from '#tests/support/cut-proxy.ts';
import { expectWhole, FaultScene, type Strike } from '#tests/support/fault-scene.ts';
import { WireAgent } from '#tests/support/wire-agent.ts';

/** More than any of these tests lets it write. */
const ENDLESS = 1_000_000;
/** The message is lost with the hub, or was delivered, and the hub died of whatever it was doing then. */
const BOTH = [
	['before', 'drop'],
	['after', 'last'],
] as const;

let scene: FaultScene;
/** A job that asks for what the agent's policy does not allow. */
let refusedJob: number;

beforeAll(async () => {
	scene = await FaultScene.set();
	const config = { execution_backend: 'local', execution_backend_config: { env: { NOT_ALLOWED: 'yes' } } };
	({ job_id: refusedJob } = await scene.admin.jobWith('true', config));
});
afterAll(() => scene.remove());

const inTheMiddle = (then: Strike['then']): Strike => ({
	...{ direction: 'to_hub', type: 'chunk', nth: 10, message: 'pass' },
	then,
});
/** The answer is lost where the hub dies first; what was asked for is not. */
const cancel = (run_id: number) =>
	scene.admin.call('POST', `/api/runs/${String(run_id)}/cancel`, {}).catch(() => undefined);
/** Not waited for: the next strike comes before the answer. */
const beginCancel = (run_id: number) => Promise.resolve(void cancel(run_id));

describe('the hub is killed right after', () => {
	for (const [what, direction, type, nth] of [
		['its offer', 'to_agent', 'offer', 1],
		['the acceptance', 'to_hub', 'accept', 1],
		['its grant', 'to_agent', 'grant', 1],
		['the start', 'to_hub', 'started', 1],
		['a part of the log', 'to_hub', 'chunk', 10],
		['its word that a part of the log is kept', 'to_agent', 'ack', 5],
		['the end', 'to_hub', 'finish', 1],
		['its word that the end is kept', 'to_agent', 'finished', 1],
	] as const)
		it(`${what}: the script runs once, whole, and the log is whole`, async () => {
			expectWhole(await scene.story([{ direction, type, nth, message: 'last', then: scene.hubDies }]));
		});
});

describe('the hub is killed as an agent that carries a run comes back,', () => {
	for (const [what, direction, type] of [
		['its challenge', 'to_agent', 'challenge'],
		['the hello', 'to_hub', 'hello'],
		['its welcome', 'to_agent', 'welcome'],
		['the first heartbeat', 'to_hub', 'heartbeat'],
		['its answer to the heartbeat', 'to_agent', 'lease'],
	] as const satisfies [string, Direction, string][])
		for (const [when, message] of BOTH)
			it(`${when} ${what}: the script runs once, whole, and the log is whole`, async () => {
				const strikes = [inTheMiddle(scene.lineIsCut), { direction, type, message, then: scene.hubDies }];
				expectWhole(await scene.story(strikes));
			});

	for (const [what, direction, type] of [
		['its question whether the one before is alive', 'to_agent', 'ping'],
		['the answer to that', 'to_hub', 'pong'],
	] as const)
		it(`or another with its key, before ${what}: the script runs once, whole, and the log is whole`, async () => {
			const key = createPrivateKey(readFileSync(path.join(scene.agent.home, 'key.pem')));
			const copy = () =>
				Promise.resolve(
					void WireAgent.connect(scene.hub.url, { agent_id: scene.agent.id, key, labels: {} }).catch(() => undefined),
				);
			expectWhole(await scene.story([inTheMiddle(copy), { direction, type, then: scene.hubDies }]));
		});
});

describe('the hub is killed', () => {
	for (const [when, message] of BOTH) {
		it(`${when} it tells the agent to cancel: the run is canceled, and nothing of it lives`, async () => {
			const { row, spawns, alive, file, log } = await scene.story(
				[inTheMiddle(beginCancel), { direction: 'to_agent', type: 'cancel', message, then: scene.hubDies }],
				{ lines: ENDLESS },
			);
			expect(row).toMatchObject({ status: 'canceled', reason: { code: 'canceled_by_user' } });
			expect({ spawns, alive }).toEqual({ spawns: 1, alive: [] });
			expect(log).not.toBe('');
			expect(file.startsWith(log)).toBe(true);
		});

		it(`${when} it withdraws the offer of a run that was canceled: the run never starts`, async () => {
			const { row, spawns, alive, log } = await scene.story([
				{ direction: 'to_hub', type: 'accept', then: beginCancel },
				{ direction: 'to_agent', type: 'withdraw', message, then: scene.hubDies },
			]);
			expect(row).toMatchObject({ status: 'canceled', reason: { code: 'canceled_by_user' } });
			expect({ spawns, alive, log }).toEqual({ spawns: 0, alive: [], log: '' });
		});

		it(`${when} the agent refuses: the run is refused, and never starts`, async () => {
			const { row, spawns, alive, log } = await scene.story(
				[{ direction: 'to_hub', type: 'refuse', message, then: scene.hubDies }],
				{ job_id: refusedJob },
			);
			expect(row).toMatchObject({ status: 'failed', reason: { code: 'refused_by_policy' } });
			expect({ spawns, alive, log }).toEqual({ spawns: 0, alive: [], log: '' });
		});
	}
});

it('what ended stays as it was told first, and its end was written down once', () => scene.expectEndsStay());
