import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFinal, runTransitions } from '#domain/run.ts';
import {
	LOG_WAIT_MS,
	LOST_AFTER_MS,
	newRun,
	OFFER_MS,
	phaseOf,
	type RunEvent,
	step,
} from '#durable/core/run-machine.ts';
import type { Finish, KnownRun } from '#protocol/agent.ts';
import { A, accept, after, callback, finishOf, gone, iso, knownOf, offer, running, T } from './run-machine-world.ts';

const agents = fc.constantFrom(7, 8);
const epochs = fc.integer({ min: 0, max: 4 });
const reason = fc.constantFrom(
	{ code: 'refused_by_policy' as const, message: 'no' },
	{ code: 'agents_busy' as const, message: 'full' },
	{ code: 'agent_stopped' as const, message: 'stopping' },
);
const phases = fc.constantFrom<KnownRun['phase']>('accepted', 'not_started', 'started', 'exited', 'lost');
const callbacks = fc.constantFrom(null, callback);
const anyEvent: fc.Arbitrary<RunEvent> = fc.oneof(
	{ weight: 4, arbitrary: fc.record({ type: fc.constant('offer' as const), agent_id: agents }) },
	fc.record({ type: fc.constant('not_sent' as const), agent_id: agents, epoch: epochs }),
	{
		weight: 4,
		arbitrary: fc.record({
			type: fc.constant('accept' as const),
			agent_id: agents,
			epoch: epochs,
			needs_scripts: fc.boolean(),
			callback: callbacks,
		}),
	},
	fc.record({ type: fc.constant('sent' as const), agent_id: agents, epoch: epochs }),
	fc.record({ type: fc.constant('unsendable' as const), agent_id: agents, epoch: epochs, reason }),
	fc.record({ type: fc.constant('refuse' as const), agent_id: agents, epoch: epochs, reason }),
	{
		weight: 3,
		arbitrary: fc.record({
			type: fc.constant('started' as const),
			agent_id: agents,
			epoch: epochs,
			started_at: fc.constant(iso),
		}),
	},
	{
		weight: 2,
		arbitrary: fc
			.tuple(agents, epochs, fc.constantFrom<Finish['outcome']>('success', 'failed', 'canceled', 'lost', 'begun'))
			.map(([agent_id, epoch, outcome]) => ({
				type: 'finish' as const,
				agent_id,
				epoch,
				finish: finishOf(epoch, { outcome }),
			})),
	},
	{
		weight: 4,
		arbitrary: fc
			.tuple(agents, epochs, phases)
			.map(([agent_id, epoch, phase]) => ({ type: 'known' as const, agent_id, known: knownOf(epoch, phase) })),
	},
	fc.record({ type: fc.constant('unnamed' as const), agent_id: agents }),
	{ weight: 2, arbitrary: fc.record({ type: fc.constant('gone' as const), agent_id: agents }) },
	fc.record({ type: fc.constant('revoked' as const), agent_id: agents }),
	fc.record({ type: fc.constant('log_stored' as const), whole: fc.boolean() }),
	fc.constant({ type: 'cancel' as const }),
	fc.record({ type: fc.constant('ask' as const), patience_ms: fc.constant(1000), callback: callbacks }),
	fc.record({
		type: fc.constant('answered' as const),
		epoch: epochs,
		outcome: fc.constantFrom('success' as const, 'failed' as const),
		reason: fc.constant(null),
	}),
	fc.constant({ type: 'answer_lost' as const }),
	fc.constant({ type: 'begun' as const }),
	fc.record({ type: fc.constant('waiting' as const), reason }),
	fc.record({
		type: fc.constant('unrunnable' as const),
		status: fc.constantFrom('failed' as const, 'canceled' as const),
		reason,
	}),
	fc.constant({ type: 'overdue' as const }),
);
const history = fc.array(fc.tuple(anyEvent, fc.constantFrom(1, 1, 1, OFFER_MS, LOST_AFTER_MS)), { maxLength: 60 });

describe('a run, whatever happens in whatever order', () => {
	it('is never granted under a second epoch, unless the agent of the first said it never started it', () => {
		fc.assert(
			fc.property(history, (events) => {
				let state = newRun;
				let now = T;
				let granted: { epoch: number; agent_id: number } | null = null;
				for (const [event, ms] of events) {
					now += ms;
					const before = state;
					const result = step(state, event, now);
					state = result.state;
					if (result.answer === 'grant') {
						const to = { epoch: state.epoch, agent_id: state.agent_id ?? 0 };
						if (granted) expect(to).toEqual(granted);
						granted = to;
					}
					const given: { epoch: number; agent_id: number } | null = granted;
					if (
						given &&
						event.type === 'known' &&
						event.known.phase === 'not_started' &&
						event.agent_id === given.agent_id &&
						event.known.epoch === given.epoch &&
						before.step === 'granted'
					)
						granted = null;
				}
			}),
			{ numRuns: 3000 },
		);
	});

	it('starts at most once, grows its epoch with each offer, and never leaves a final state', () => {
		fc.assert(
			fc.property(history, (events) => {
				let state = newRun;
				let now = T;
				let starts = 0;
				for (const [event, ms] of events) {
					now += ms;
					const { state: next, free } = step(state, event, now);
					if (state.step === 'done') expect(next).toBe(state);
					if (next.status !== state.status) expect(runTransitions[state.status]).toContain(next.status);
					if (next.started_at !== null && state.started_at === null && next.step === 'running') starts++;
					const begins = (event.type === 'offer' || event.type === 'ask') && state.step === 'queued';
					expect(next.epoch - state.epoch).toBe(begins ? 1 : 0);
					expect(isFinal(next.status)).toBe(next.step === 'done');
					expect(phaseOf(next) === 'done').toBe(next.step === 'done');
					// A slot is freed exactly when the run leaves the agent that had it.
					const held = state.agent_id !== null && state.awaits === null && state.step !== 'done';
					const holds = next.agent_id !== null && next.awaits === null && next.step !== 'done';
					expect(free !== null).toBe(held && !holds);
					state = next;
				}
				expect(starts).toBeLessThanOrEqual(1);
			}),
			{ numRuns: 3000 },
		);
	});

	it('38: is moved by nobody but the agent that has it, in its epoch', () => {
		const ofAgent = anyEvent.filter((e) => 'agent_id' in e && e.type !== 'offer');
		fc.assert(
			fc.property(history, ofAgent, (events, event) => {
				let now = T;
				const state = events.reduce((s, [e, ms]) => step(s, e, (now += ms)).state, newRun);
				if (!('agent_id' in event)) return;
				const epoch = 'epoch' in event ? event.epoch : event.type === 'known' ? event.known.epoch : state.epoch;
				fc.pre(event.agent_id !== state.agent_id || epoch !== state.epoch);
				const { state: next, answer } = step(state, event, now + 1);
				expect(next).toBe(state);
				expect(answer).toBe('drop');
			}),
			{ numRuns: 2000 },
		);
	});
});

describe('the way of a run', () => {
	it('queued, offered, granted, running, finalizing, over', () => {
		expect(phaseOf(after(offer))).toBe('offered');
		expect(step(after(offer), accept, T)).toMatchObject({ answer: 'grant', state: { step: 'granted', due: null } });
		expect(after(...running)).toMatchObject({ status: 'running', started_at: iso });
		const ended = after(...running, { type: 'finish', ...A, finish: finishOf(1) });
		expect(ended).toMatchObject({ step: 'finalizing', status: 'running' });
		expect(step(ended, { type: 'log_stored', whole: true }, T)).toMatchObject({
			answer: 'finished',
			free: A,
			state: { status: 'success', reason: null, exit_code: 0 },
		});
		expect(step(ended, { type: 'log_stored', whole: false }, T).state).toMatchObject({
			status: 'success',
			reason: { code: 'log_incomplete' },
		});
	});

	it('scripts the agent lacks are sent before the grant', () => {
		const wants = after(offer, { ...accept, needs_scripts: true });
		expect(phaseOf(wants)).toBe('accepted');
		expect(step(wants, { type: 'sent', ...A }, T)).toMatchObject({ answer: 'grant' });
		const missing: RunEvent = { type: 'unsendable', ...A, reason: { code: 'script_missing', message: 'gone' } };
		expect(step(wants, missing, T)).toMatchObject({
			answer: 'drop',
			state: { status: 'failed', reason: { code: 'script_missing' } },
		});
	});

	it('an unanswered offer goes back to the queue, and its late answer is dropped', () => {
		const silent = step(after(offer), { type: 'overdue' }, T + OFFER_MS);
		expect(silent).toMatchObject({ requeued: true, free: A, state: { step: 'queued', agent_id: null } });
		expect(step(silent.state, accept, T)).toMatchObject({ answer: 'drop', state: { step: 'queued' } });
		const again = step(silent.state, offer, T).state;
		expect(step(again, accept, T)).toMatchObject({ answer: 'drop', state: { step: 'offered', epoch: 2 } });
		expect(step(after(offer), { type: 'overdue' }, T + OFFER_MS - 1).requeued).toBe(false);
	});

	it('before the grant a vanished agent gives the run back; after it, the run waits for that agent and nobody else', () => {
		expect(step(after(offer), gone, T)).toMatchObject({ requeued: true });
		const away = after(...running, gone);
		expect(phaseOf(away)).toBe('disconnected');
		expect(step(away, offer, T).state).toBe(away);
		expect(step(away, { type: 'overdue' }, T + LOST_AFTER_MS - 1).state).toBe(away);
		expect(step(away, { type: 'overdue' }, T + LOST_AFTER_MS + 10).state).toMatchObject({
			status: 'lost',
			reason: { code: 'agent_lost' },
		});
	});

	it.each([
		['accepted', 'grant', 'granted'],
		['not_started', 'drop', 'queued'],
		['started', 'resume', 'running'],
		['exited', 'resume', 'running'],
		['lost', 'done', 'lost'],
	] as const)('a granted run whose agent comes back with it %s: %s', (phase, answer, becomes) => {
		const back = step(after(offer, accept, gone), { type: 'known', agent_id: 7, known: knownOf(1, phase) }, T);
		expect(back.answer).toBe(answer);
		expect(back.state.away).toBe(false);
		expect(back.state.step === 'done' ? back.state.status : back.state.step).toBe(becomes);
	});

	it.each(['accepted', 'not_started'] as const)(
		'what had started cannot be only %s: nobody can know, so it is lost',
		(phase) => {
			const back = step(after(...running, gone), { type: 'known', agent_id: 7, known: knownOf(1, phase) }, T);
			expect(back).toMatchObject({ answer: 'drop', requeued: false, state: { status: 'lost' } });
		},
	);

	it('a revoked agent’s granted run is lost, and one it only was offered is not', () => {
		const revoked: RunEvent = { type: 'revoked', agent_id: 7 };
		expect(step(after(offer), revoked, T)).toMatchObject({ requeued: true });
		expect(step(after(...running), revoked, T).state).toMatchObject({
			status: 'lost',
			reason: { code: 'agent_revoked' },
		});
	});

	it('a refusal is final, unless it is for the moment only', () => {
		const refuse = (code: 'refused_by_policy' | 'agents_busy'): RunEvent => ({
			type: 'refuse',
			...A,
			reason: { code, message: 'why' },
		});
		expect(step(after(offer), refuse('refused_by_policy'), T).state).toMatchObject({
			status: 'failed',
			reason: { code: 'refused_by_policy' },
		});
		expect(step(after(offer), refuse('agents_busy'), T)).toMatchObject({ requeued: true });
	});
});

describe('a run of the hub’s own', () => {
	const ask = { type: 'ask', patience_ms: 1000, callback: null } satisfies RunEvent;
	const answered: RunEvent = { type: 'answered', epoch: 1, outcome: 'success', reason: null };

	it('is running before its request leaves, and ends with the answer', () => {
		expect(after(ask)).toMatchObject({ step: 'running', status: 'running', agent_id: null, epoch: 1, due: T + 1000 });
		expect(after(ask, ask)).toEqual(after(ask));
		expect(after(ask, answered)).toMatchObject({ step: 'done', status: 'success', awaits: null, due: null });
		expect(after(ask, { ...answered, epoch: 0 })).toEqual(after(ask));
	});

	it('is lost where nobody waits for the answer any more, and a late one changes nothing', () => {
		const lost = after(ask, { type: 'answer_lost' });
		expect(lost).toMatchObject({ status: 'lost', reason: { code: 'answer_lost' } });
		expect(step(lost, answered, T + 5).state).toBe(lost);
		expect(step(after(ask), { type: 'overdue' }, T + 1000).state.status).toBe('lost');
	});

	it('that a callback is to end is waited for until its time is over, whatever became of the answer', () => {
		const asked = after({ ...ask, callback });
		expect(step(asked, { type: 'answer_lost' }, T).state).toEqual(step(asked, { type: 'begun' }, T).state);
		const begun = step(asked, { type: 'begun' }, T).state;
		expect(begun).toMatchObject({ status: 'running', awaits: 'callback', due: T + 5000 });
		expect(step(begun, { type: 'answer_lost' }, T + 9).state).toBe(begun);
		expect(step(begun, answered, T + 9).state).toMatchObject({
			status: 'success',
			finished_at: new Date(T + 9).toISOString(),
		});
		const late = step(begun, { type: 'overdue' }, T + 5000).state;
		expect(late).toMatchObject({ status: 'failed', reason: { code: 'timeout' } });
		expect(step(late, answered, T + 6000).state).toBe(late);
	});

	it('is canceled at once, and says that the work may go on elsewhere', () => {
		const canceled = after(ask, { type: 'cancel' });
		expect(canceled).toMatchObject({ status: 'canceled', reason: { message: expect.stringContaining('elsewhere') } });
		expect(step(canceled, answered, T + 5).state).toBe(canceled);
	});
});

describe('cancel', () => {
	const cancel: RunEvent = { type: 'cancel' };

	it('ends at once what was not granted', () => {
		expect(step(newRun, cancel, T)).toMatchObject({ state: { status: 'canceled' }, free: null });
		expect(step(after(offer), cancel, T)).toMatchObject({ state: { status: 'canceled' }, free: A });
	});

	it('of a running run is pending until its agent says it is done', () => {
		const pending = after(...running, cancel);
		expect(phaseOf(pending)).toBe('canceling');
		expect(pending.status).toBe('running');
		expect(phaseOf(step(pending, gone, T).state)).toBe('disconnected');
		const back = step(step(pending, gone, T).state, { type: 'known', agent_id: 7, known: knownOf(1, 'started') }, T);
		expect(back).toMatchObject({ answer: 'cancel', state: { away: false } });
	});

	it('racing the finish changes nothing of it', () => {
		const finish: RunEvent = { type: 'finish', ...A, finish: finishOf(1) };
		const stored: RunEvent = { type: 'log_stored', whole: true };
		expect(after(...running, cancel, finish, stored).status).toBe('success');
		expect(after(...running, finish, cancel, stored).status).toBe('success');
		expect(after(...running, finish, stored, cancel).status).toBe('success');
	});

	it('of a run that was granted and never started ends it', () => {
		const back: RunEvent = { type: 'known', agent_id: 7, known: knownOf(1, 'accepted') };
		expect(step(after(offer, accept, cancel, gone), back, T)).toMatchObject({
			answer: 'drop',
			state: { status: 'canceled' },
		});
	});
});

it('a finished run waits for its log, but not for ever', () => {
	const ended = after(...running, { type: 'finish', ...A, finish: finishOf(1, { outcome: 'failed', exit_code: 3 }) });
	expect(step(ended, { type: 'overdue' }, T + LOG_WAIT_MS + 10).state).toMatchObject({
		status: 'failed',
		exit_code: 3,
		reason: { code: 'log_incomplete' },
	});
	const away = step(ended, gone, T).state;
	expect(phaseOf(away)).toBe('disconnected');
	expect(away.due).toBe(ended.due);
});
