import { describe, expect, it } from 'vitest';
import { LOST_AFTER_MS, phaseOf, type RunEvent, step } from '#durable/core/run-machine.ts';
import type { Finish } from '#protocol/agent.ts';
import {
	A,
	accept,
	after,
	callback,
	finishOf,
	gone,
	iso,
	knownOf,
	offer,
	running,
	started,
	T,
} from './run-machine-world.ts';

describe('a run whose agent asks somebody else, who calls back', () => {
	const asked = [offer, { ...accept, callback }, started];
	const finish = (outcome: Finish['outcome']): RunEvent => ({ type: 'finish', ...A, finish: finishOf(1, { outcome }) });
	const stored: RunEvent = { type: 'log_stored', whole: true };
	const told: RunEvent = { type: 'answered', epoch: 1, outcome: 'success', reason: null };
	const reason = { code: 'exit_code' as const, message: 'it said 500' };

	it('is waited for without its agent, whose slot is free, until its callback comes or its time is over', () => {
		const begun = step(after(...asked, finish('begun')), stored, T);
		expect(begun).toMatchObject({ answer: 'finished', free: A });
		expect(begun.state).toMatchObject({ status: 'running', awaits: 'callback', agent_id: 7, due: callback.until });
		expect(phaseOf(begun.state)).toBe('running');
		expect(step(begun.state, told, T + 9).state).toMatchObject({ status: 'success', started_at: iso, callback: null });
		expect(step(begun.state, { type: 'overdue' }, callback.until).state).toMatchObject({
			status: 'failed',
			reason: { code: 'timeout' },
		});
		expect(step(begun.state, { type: 'cancel' }, T + 9)).toMatchObject({ free: null, state: { status: 'canceled' } });
	});

	it('takes nothing more from its agent, which is told that its end is kept', () => {
		const { state } = step(after(...asked, finish('begun')), stored, T);
		for (const [event, answer] of [
			[finish('begun'), 'finished'],
			[finish('failed'), 'finished'],
			[{ type: 'known', agent_id: 7, known: knownOf(1, 'exited') }, 'done'],
			[{ type: 'log_damaged', why: 'x', ...A }, null],
			[{ type: 'unnamed', agent_id: 7 }, null],
			[{ type: 'revoked', agent_id: 7 }, null],
			[gone, null],
		] as const)
			expect(step(state, event, T + 9), event.type).toMatchObject({ state, answer, free: null });
	});

	it('has the end that was told first, also before its agent brought the answer', () => {
		const early = after(...asked, told);
		expect(early).toMatchObject({ step: 'running', awaits: null, callback: { told: { outcome: 'success' } } });
		expect(step(early, { ...told, outcome: 'failed' }, T).state).toBe(early);
		for (const outcome of ['begun', 'failed', 'lost'] as const) {
			const { state } = step(step(early, finish(outcome), T).state, stored, T);
			expect(state, outcome).toMatchObject({ awaits: 'callback', callback: { told: { outcome: 'success' } } });
		}
		// Who stopped it goes before who would have ended it.
		expect(step(step(early, finish('canceled'), T).state, stored, T).state.status).toBe('canceled');
	});

	it('ends with a bad answer, and where its agent is gone the callback is waited for all the same', () => {
		const bad = after(...asked, { type: 'finish', ...A, finish: finishOf(1, { outcome: 'failed', reason }) }, stored);
		expect(bad).toMatchObject({ status: 'failed', reason });
		const waits = { awaits: 'callback', status: 'running', away: false };
		const away = after(...asked, gone);
		expect(after(...asked, finish('lost'), stored)).toMatchObject(waits);
		expect(step(away, { type: 'unnamed', agent_id: 7 }, T)).toMatchObject({ free: A, state: waits });
		expect(step(away, { type: 'known', agent_id: 7, known: knownOf(1, 'lost') }, T)).toMatchObject({
			answer: 'done',
			state: waits,
		});
		expect(step(away, { type: 'overdue' }, T + LOST_AFTER_MS + 9)).toMatchObject({ free: A, state: waits });
		// A key that was revoked may be another's, and so may the token be.
		expect(step(away, { type: 'revoked', agent_id: 7 }, T).state.status).toBe('lost');
	});

	it('that was canceled is not waited for', () => {
		const canceled = after(...asked, { type: 'cancel' });
		expect(step(step(canceled, finish('begun'), T).state, stored, T).state).toMatchObject({
			status: 'canceled',
			reason: { message: expect.stringContaining('elsewhere') },
		});
		expect(step(step(canceled, finish('lost'), T).state, stored, T).state.status).toBe('lost');
	});

	it('that nobody may call back about fails where its agent waits for that', () => {
		expect(after(...running, finish('begun'), stored)).toMatchObject({ status: 'failed', reason: { code: 'timeout' } });
		expect(step(after(...running), told, T).state).toEqual(after(...running));
	});
});
