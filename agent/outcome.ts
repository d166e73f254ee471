import type { Reason } from '#domain/run-reason.ts';
import type { Finish, Outcome } from '#protocol/agent.ts';
import { type Exit, type GoesOn, NotPrepared } from './executors/contract.ts';
import { codeOf } from './failure.ts';
import { takesPacked } from './packing.ts';
import { Unstartable } from './preparation.ts';

/** Why a run is to end before its script does, as others ask for it. */
export type StopReason = 'canceled' | 'agent_stopped' | 'partition' | 'dropped';
export type EndReason = StopReason | 'timeout' | 'log_broken';

type Ending = Pick<Finish, 'exit_code' | 'reason'> & { outcome: Exclude<Outcome, 'begun'> };

const stopped: Record<EndReason, (timeout_s: number) => { outcome: 'failed' | 'canceled'; reason: Reason }> = {
	canceled: () => ({ outcome: 'canceled', reason: { code: 'canceled_by_user', message: 'Stopped on request.' } }),
	agent_stopped: () => ({
		outcome: 'canceled',
		reason: { code: 'agent_stopped', message: 'The agent was told to stop while it ran.' },
	}),
	partition: () => ({
		outcome: 'canceled',
		reason: {
			code: 'agent_stopped',
			message: 'The hub was out of reach for longer than the run may go on without it.',
		},
	}),
	dropped: () => ({
		outcome: 'canceled',
		reason: { code: 'agent_stopped', message: 'The hub took it away from the agent.' },
	}),
	timeout: (s) => ({ outcome: 'failed', reason: { code: 'timeout', message: `It ran longer than ${String(s)} s.` } }),
	log_broken: () => ({
		outcome: 'failed',
		reason: { code: 'log_incomplete', message: 'The agent could not keep its log, and stopped it.' },
	}),
};

/** What the hub is told of an end. Who ended it goes before how it ended: a script may well answer INT by exiting with 0. Pure. */
export function outcomeOf(exit: Exit | Unstartable, end: EndReason | null, timeout_s: number): Ending {
	// Also where it was stopped: nobody knows that it is.
	if ('kind' in exit && exit.kind === 'lost') return { outcome: 'lost', exit_code: null, reason: exit.reason };
	const exit_code = 'kind' in exit && exit.kind === 'exit' ? exit.code : null;
	if (end) return { ...stopped[end](timeout_s), exit_code };
	const failed = (reason: Reason): Ending => ({ outcome: 'failed', exit_code, reason });
	if (exit instanceof Unstartable) return failed(exit.reason);
	switch (exit.kind) {
		case 'failed':
			return { outcome: 'failed', exit_code: exit.code, reason: exit.reason };
		case 'exit':
			if (exit.code === 0) return { outcome: 'success', exit_code, reason: null };
			return failed({ code: 'exit_code', message: `It ended with exit code ${String(exit.code)}.` });
		case 'signal':
			return failed({ code: 'signal', message: `It was ended by ${exit.signal}, which nobody here sent.` });
		case 'not_started':
			return failed({ code: 'start_failed', message: exit.message.slice(0, 500) });
		case 'broken':
			return failed({ code: 'log_incomplete', message: exit.message.slice(0, 500) });
	}
}

/** As above, of a run and not only of a program. */
export const endOf = (
	exit: Exit | GoesOn | Unstartable,
	end: EndReason | null,
	timeout_s: number,
): Pick<Finish, 'outcome' | 'exit_code' | 'reason'> => {
	if (!('kind' in exit) || exit.kind !== 'goes_on') return outcomeOf(exit, end, timeout_s);
	return end ? { ...stopped[end](timeout_s), exit_code: null } : { outcome: 'begun', exit_code: null, reason: null };
};

/**
 * A finish as a hub of this protocol takes it. What its chunks hash to is told only where all of them are known: that is not journaled, and
 * an earlier process of the agent may have let go of some, or lost them. Nor to a hub that was sent others in place of those in the spool.
 */
export function finishFor(
	protocol: number | null,
	finish: Finish,
	log: { last_seq: number; chunks_sha256: string | null },
): Finish {
	const { last_seq, chunks_sha256 } = log;
	if (!takesPacked(protocol) || chunks_sha256 === null || last_seq !== finish.last_seq) return finish;
	return { ...finish, chunks_sha256 };
}

/** Any error between the grant and the start, as what the run shows. The details are in the agent's own log only. */
export function whyUnstartable(error: unknown): Unstartable {
	if (error instanceof Unstartable) return error;
	if (error instanceof NotPrepared) return new Unstartable(error.reason.code, error.reason.message);
	return new Unstartable(
		'start_failed',
		`The agent could not prepare the run${codeOf(error) && ` (${codeOf(error)})`}.`,
	);
}
