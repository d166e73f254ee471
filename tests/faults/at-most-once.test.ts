// The hub or the agent is killed, or the line between them cut, at each step of a run. Afterwards, whatever happened: the
// script was started at most once, the hub's log is what the script wrote, and the run has one final state that stays.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectWhole, FaultScene, SCRIPT } from '#tests/support/fault-scene.ts';

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

it('what ended stays as it was told first, and its end was written down once', () => scene.expectEndsStay());
