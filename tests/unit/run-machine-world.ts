// What tests of the run machine tell it: one run, and agent 7 that has it.
import { type Callback, newRun, type RunEvent, type RunState, step } from '#durable/core/run-machine.ts';
import type { Finish, KnownRun } from '#protocol/agent.ts';

export const T = Date.parse('2026-11-20T10:00:00Z');
export const iso = new Date(T).toISOString();
export const finishOf = (epoch: number, over: Partial<Finish> = {}): Finish => ({
	type: 'finish',
	run_id: 1,
	epoch,
	outcome: 'success',
	exit_code: 0,
	reason: null,
	started_at: iso,
	exited_at: iso,
	last_seq: 0,
	bytes: 0,
	sha256: '0'.repeat(64),
	...over,
});
export const knownOf = (epoch: number, phase: KnownRun['phase']): KnownRun => ({
	run_id: 1,
	epoch,
	phase,
	last_seq: 0,
});

/** A run after some events, each a millisecond after the other; `A` is agent 7. */
export function after(...events: RunEvent[]): RunState {
	return events.reduce((s, e, i) => step(s, e, T + i).state, newRun);
}
export const A = { agent_id: 7, epoch: 1 };
export const offer: RunEvent = { type: 'offer', agent_id: 7 };
export const accept = { type: 'accept', ...A, needs_scripts: false, callback: null } satisfies RunEvent;
export const started: RunEvent = { type: 'started', ...A, started_at: iso };
export const gone: RunEvent = { type: 'gone', agent_id: 7 };
export const running = [offer, accept, started];
export const callback: Callback = { hash: 'ab', until: T + 5000, told: null };
