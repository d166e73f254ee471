import type { Reason } from '#domain/run-reason.ts';
import type { RunPhase, RunStatus, Timings } from '#domain/run.ts';
import type { Finish, KnownRun } from '#protocol/agent.ts';
import type { Ended } from '#protocol/run-request.ts';

/** How long an offer waits for its answer, and an accepted run for its scripts to be sent. */
export const OFFER_MS = 5_000;
export const SEND_MS = 60_000;
/** How long a run whose agent is away may still come back before it is given up as lost. */
export const LOST_AFTER_MS = 24 * 3_600_000;
/** How long the rest of a finished run's log is waited for. */
export const LOG_WAIT_MS = 600_000;

/** A run whose end is told by a callback: SHA-256 of the token that has, and until when it is waited for. */
export interface Callback {
	hash: string;
	until: number;
	/** The end that was told while the run's agent still had the answer to bring. */
	told: Ended | null;
}

export interface RunState {
	step: 'queued' | 'offered' | 'accepted' | 'granted' | 'running' | 'finalizing' | 'done';
	status: RunStatus;
	/** Grows with each offer; committed before the offer leaves. */
	epoch: number;
	agent_id: number | null;
	/** The agent is out of reach, after the grant. */
	away: boolean;
	/** It is a request, and no agent has it (any more): what the hub waits for. */
	awaits: 'answer' | 'callback' | null;
	callback: Callback | null;
	cancel_requested_at: string | null;
	finish: Finish | null;
	/** Its log cannot be kept any further: why. The agent is to stop the run, and what it ends with is not a success. */
	damage: Reason | null;
	reason: Reason | null;
	exit_code: number | null;
	started_at: string | null;
	finished_at: string | null;
	timings: Timings;
	/** When the present step stops waiting, in milliseconds UTC: an `overdue` event. */
	due: number | null;
}

export const newRun: RunState = {
	step: 'queued',
	status: 'queued',
	epoch: 0,
	agent_id: null,
	away: false,
	awaits: null,
	callback: null,
	cancel_requested_at: null,
	finish: null,
	damage: null,
	reason: null,
	exit_code: null,
	started_at: null,
	finished_at: null,
	timings: {},
	due: null,
};

type OfAgent = { agent_id: number; epoch: number };

export type RunEvent =
	/** The room gives the run to an agent. */
	| { type: 'offer'; agent_id: number }
	/** The agent's link had no room for it, or no agent. */
	| ({ type: 'not_sent' } & OfAgent)
	| ({ type: 'accept'; needs_scripts: boolean; callback: Callback | null } & OfAgent)
	/** All scripts the agent lacked are on their way to it. */
	| ({ type: 'sent' } & OfAgent)
	/** A script is not there any more. */
	| ({ type: 'unsendable'; reason: Reason } & OfAgent)
	| ({ type: 'refuse'; reason: Reason } & OfAgent)
	| ({ type: 'started'; started_at: string } & OfAgent)
	| ({ type: 'finish'; finish: Finish } & OfAgent)
	/** A chunk of its log is damaged, or contradicts what is stored. */
	| ({ type: 'log_damaged'; why: string } & OfAgent)
	/** What an agent says of the run when it comes back. */
	| { type: 'known'; agent_id: number; known: KnownRun }
	/** The agent came back and did not name the run. */
	| { type: 'unnamed'; agent_id: number }
	| { type: 'gone'; agent_id: number }
	| { type: 'revoked'; agent_id: number }
	/** Every chunk up to the finish's is stored; `whole`: and the log is what the agent says it is. */
	| { type: 'log_stored'; whole: boolean }
	/** The hub sends a request of its own, and waits so long for its answer. Committed before the request leaves. */
	| { type: 'ask'; patience_ms: number; callback: Callback | null }
	/** By its answer, or by a callback. */
	| ({ type: 'answered'; epoch: number } & Ended)
	/** It goes on where it was asked for, and a callback tells its end. */
	| { type: 'begun' }
	/** Who waited for the answer is gone, and the answer with them. */
	| { type: 'answer_lost' }
	| { type: 'cancel' }
	/** It waits, and may not start, or never can. */
	| { type: 'unrunnable'; status: 'failed' | 'canceled'; reason: Reason }
	/** Why the run is still in the queue. */
	| { type: 'waiting'; reason: Reason }
	| { type: 'overdue' };

/** What the agent is to be told, as the answer to what it said. */
export type Answer = 'grant' | 'send' | 'resume' | 'cancel' | 'drop' | 'done' | 'finished' | null;

export interface Step {
	state: RunState;
	answer: Answer;
	/** The agent's slot is free again: it does not, or no longer, hold the run. */
	free: OfAgent | null;
	/** The run waits in its room's queue again. */
	requeued: boolean;
}

/**
 * One event of a run. Pure. Until the grant a run may go back to the queue; after it only when its agent itself says that it
 * never started it. A final state never changes; what comes from another agent or epoch changes nothing and is told `drop`.
 */
export function step(state: RunState, event: RunEvent, now: number): Step {
	const at = new Date(now).toISOString();
	const stay: Step = { state, answer: null, free: null, requeued: false };
	const to = (change: Partial<RunState>, answer: Answer = null): Step => ({
		...stay,
		state: { ...state, due: null, ...change },
		answer,
	});
	const held =
		state.agent_id === null || state.awaits !== null ? null : { agent_id: state.agent_id, epoch: state.epoch };
	const requeue = (answer: Answer = null): Step => ({
		state: { ...state, step: 'queued', agent_id: null, callback: null, timings: {}, due: null, away: false },
		answer,
		free: held,
		requeued: true,
	});
	const end = (status: RunStatus, change: Partial<RunState>, answer: Answer = null): Step => ({
		state: {
			...state,
			...{ step: 'done', status, away: false, awaits: null, callback: null, due: null, finished_at: at },
			...change,
		},
		answer,
		free: held,
		requeued: false,
	});
	/** Who it was asked of tells its end: that is waited for, whatever became of who asked. */
	const waitFor = (callback: Callback, change: Partial<RunState>, answer: Answer): Step => ({
		state: {
			...state,
			...{ step: 'running', status: 'running', awaits: 'callback', away: false, due: callback.until },
			...change,
		},
		answer,
		free: held,
		requeued: false,
	});
	/** The callback that may still come; null where it would change nothing. */
	const open = state.cancel_requested_at === null && !state.damage ? state.callback : null;
	const lost = (code: 'agent_lost' | 'agent_revoked', message: string, answer: Answer = null): Step => {
		if (state.finish) return finalOf(state.finish, logIncomplete, answer);
		// Whose agent was shut out is not believed any more.
		if (open && code === 'agent_lost') return waitFor(open, {}, answer);
		return end('lost', { reason: { code, message } }, answer);
	};
	const finalOf = (f: Finish, incomplete: Reason | null, answer: Answer = null, damage = state.damage): Step => {
		const started_at = state.started_at ?? f.started_at;
		if (open && !damage && (f.outcome === 'begun' || f.outcome === 'lost' || (f.outcome === 'failed' && open.told)))
			return waitFor(open, { finish: null, started_at }, answer);
		const [outcome, own] = f.outcome === 'begun' ? unawaited(state) : ([f.outcome, f.reason] as const);
		return end(
			damage && outcome !== 'lost' ? 'failed' : outcome,
			{
				damage,
				reason: damage && outcome !== 'lost' ? damage : (own ?? incomplete),
				exit_code: f.exit_code,
				started_at,
				finished_at: f.exited_at,
				timings: { ...state.timings, exited_at: f.exited_at },
			},
			answer,
		);
	};

	const beforeGrant = state.step === 'offered' || state.step === 'accepted';
	const granted = state.step === 'granted' || state.step === 'running' || state.step === 'finalizing';
	if (event.type === 'offer') {
		if (state.step !== 'queued') return stay;
		const offer = { step: 'offered', epoch: state.epoch + 1, agent_id: event.agent_id } as const;
		return to({ ...offer, timings: { offered_at: at }, due: now + OFFER_MS });
	}
	if (event.type === 'ask')
		return state.step === 'queued'
			? to({
					...{ step: 'running', status: 'running', awaits: 'answer', epoch: state.epoch + 1, agent_id: null },
					...{
						callback: event.callback,
						reason: null,
						started_at: at,
						timings: { offered_at: at, granted_at: at, started_at: at },
						due: now + event.patience_ms,
					},
				})
			: stay;
	if (event.type === 'answered') {
		if (event.epoch !== state.epoch) return stay;
		const { outcome, reason } = event;
		if (state.awaits !== null) return end(outcome, { reason, timings: { ...state.timings, exited_at: at } });
		if (!granted || !state.callback || state.callback.told) return stay;
		return { ...stay, state: { ...state, callback: { ...state.callback, told: { outcome, reason } } } };
	}
	if (event.type === 'begun' || event.type === 'answer_lost') {
		if (state.awaits !== 'answer') return stay;
		if (state.callback) return waitFor(state.callback, {}, null);
		return event.type === 'begun' ? stay : end('lost', { reason: answerLost });
	}
	if (event.type === 'waiting')
		return state.step === 'queued' && !sameReason(state.reason, event.reason) ? to({ reason: event.reason }) : stay;
	if (event.type === 'unrunnable') return state.step === 'queued' ? end(event.status, { reason: event.reason }) : stay;
	if (event.type === 'cancel') {
		if (state.awaits !== null) return end('canceled', { reason: givenUp, cancel_requested_at: at });
		if (state.step === 'queued' || beforeGrant) return end('canceled', { reason: canceled, cancel_requested_at: at });
		return (state.step === 'granted' || state.step === 'running') && state.cancel_requested_at === null
			? { ...stay, state: { ...state, cancel_requested_at: at }, answer: 'cancel' }
			: stay;
	}
	if (event.type === 'log_stored')
		return state.step === 'finalizing' && state.finish
			? finalOf(state.finish, event.whole ? null : logIncomplete, 'finished')
			: stay;
	if (event.type === 'overdue') {
		if (state.due === null || now < state.due) return stay;
		if (beforeGrant) return requeue('drop');
		if (state.awaits === 'answer') return end('lost', { reason: answerLost });
		if (state.awaits === 'callback') return end('failed', { reason: noCallback });
		return state.away || state.finish ? lost('agent_lost', 'The agent did not come back.') : stay;
	}

	// All others are of an agent, and of the epoch it was given.
	if (event.agent_id !== state.agent_id || ('epoch' in event && event.epoch !== state.epoch))
		return { ...stay, answer: 'drop' };
	// Its agent has no more part in it.
	if (state.awaits !== null)
		return { ...stay, answer: event.type === 'finish' ? 'finished' : event.type === 'known' ? 'done' : null };
	switch (event.type) {
		case 'not_sent':
			return state.step === 'offered' ? { ...requeue(), requeued: false } : stay;
		case 'accept': {
			if (state.step === 'granted') return { ...stay, answer: 'grant' };
			if (state.step !== 'offered') return { ...stay, answer: beforeGrant ? null : 'drop' };
			const timings = { ...state.timings, accepted_at: at };
			const { callback } = event;
			if (event.needs_scripts) return to({ step: 'accepted', callback, timings, due: now + SEND_MS }, 'send');
			return to({ step: 'granted', callback, reason: null, timings: { ...timings, granted_at: at } }, 'grant');
		}
		case 'sent':
			return state.step === 'accepted'
				? to({ step: 'granted', reason: null, timings: { ...state.timings, granted_at: at } }, 'grant')
				: { ...stay, answer: 'drop' };
		case 'unsendable':
			return state.step === 'accepted' ? end('failed', { reason: event.reason }, 'drop') : stay;
		case 'refuse':
			if (!beforeGrant) return stay;
			return passing.includes(event.reason.code) ? requeue() : end('failed', { reason: event.reason });
		case 'started': {
			if (state.step !== 'granted') return stay;
			const timings = { ...state.timings, started_at: event.started_at };
			return to({ step: 'running', status: 'running', started_at: event.started_at, timings });
		}
		case 'finish':
			if (state.step === 'done') return { ...stay, answer: 'finished' };
			if (state.step !== 'granted' && state.step !== 'running' && state.step !== 'finalizing')
				return { ...stay, answer: 'drop' };
			// The rest of a log that is not kept is not waited for.
			if (state.damage) return finalOf(event.finish, null, 'finished');
			return state.finish
				? stay
				: to({ step: 'finalizing', status: 'running', finish: event.finish, due: now + LOG_WAIT_MS });
		case 'log_damaged': {
			if (!granted || state.damage) return stay;
			const damage = logDamaged(event.why);
			if (state.finish) return finalOf(state.finish, null, 'finished', damage);
			return { ...stay, state: { ...state, damage, reason: damage }, answer: 'cancel' };
		}
		case 'known':
			return known(event.known);
		case 'unnamed':
			if (beforeGrant) return requeue();
			return granted ? lost('agent_lost', 'The agent came back without any trace of the run.') : stay;
		case 'gone':
			if (beforeGrant) return requeue();
			return granted && !state.away
				? to({ away: true, due: state.step === 'finalizing' ? state.due : now + LOST_AFTER_MS })
				: stay;
		case 'revoked':
			if (beforeGrant) return requeue();
			return granted ? lost('agent_revoked', 'The agent was revoked while it had the run.') : stay;
	}

	function known(k: KnownRun): Step {
		if (k.epoch !== state.epoch || state.step === 'queued') return { ...stay, answer: 'drop' };
		if (state.step === 'done') return { ...stay, answer: 'done' };
		if (beforeGrant) return requeue('drop');
		const back = { away: false, due: state.step === 'finalizing' ? state.due : null };
		const stop = state.cancel_requested_at !== null || state.damage;
		const goOn: Answer = stop && k.phase !== 'exited' ? 'cancel' : 'resume';
		switch (k.phase) {
			case 'accepted':
				if (state.step !== 'granted') break;
				return state.cancel_requested_at === null ? to(back, 'grant') : end('canceled', { reason: canceled }, 'drop');
			case 'not_started':
				if (state.step === 'granted')
					return state.cancel_requested_at === null ? requeue('drop') : end('canceled', { reason: canceled }, 'drop');
				break;
			case 'started':
			case 'exited':
				if (state.step === 'granted') return to({ ...back, step: 'running', status: 'running' }, goOn);
				return to(back, goOn);
			case 'lost':
				return lost('agent_lost', 'The agent was restarted and did not find the run again.', 'done');
		}
		// It had started, by the agent's own word: nobody can know what became of it.
		return lost('agent_lost', 'The agent came back and contradicts what it had said of the run.', 'drop');
	}
}

/** An agent refuses with these for the moment only: another one, or the same later, may take the run. */
const passing: readonly Reason['code'][] = ['agents_busy', 'agent_stopped'];

const canceled: Reason = { code: 'canceled_by_user', message: 'Canceled.' };
const givenUp: Reason = {
	code: 'canceled_by_user',
	message: 'Canceled: it is not waited for any more. What was begun elsewhere may go on there.',
};
/** What was begun elsewhere ends here without a callback. */
const unawaited = (s: RunState): readonly ['canceled' | 'failed', Reason] =>
	s.cancel_requested_at === null ? ['failed', noCallback] : ['canceled', givenUp];
const noCallback: Reason = { code: 'timeout', message: 'No callback came within the time limit.' };
const answerLost: Reason = {
	code: 'answer_lost',
	message: 'The hub stopped while it waited for the answer: nobody can know what became of the request.',
};
const logIncomplete: Reason = { code: 'log_incomplete', message: 'Part of the log never arrived.' };
const logDamaged = (why: string): Reason => ({
	code: 'log_damaged',
	message: `A part of the log could not be kept (${why.slice(0, 200)}), so the run was stopped.`,
});
const sameReason = (a: Reason | null, b: Reason) => a?.code === b.code && a.message === b.message;

/** What is shown: while the agent is away nothing finer is known; a cancel is pending until the agent says it is done. */
export function phaseOf(s: RunState): RunPhase {
	if (s.step === 'done') return 'done';
	if (s.away) return 'disconnected';
	if ((s.cancel_requested_at !== null || s.damage) && (s.step === 'granted' || s.step === 'running'))
		return 'canceling';
	return s.step;
}
