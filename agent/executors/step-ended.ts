import type { RunRecord } from '#protocol/run-record.ts';
import { outcomeOf } from '../outcome.ts';
import type { Exit } from './contract.ts';

/** What is told of the end of step `n`: how its program ended, unless somebody stopped it. */
export function stepEnded(n: number, host: string | null, exit: Exit, stopped: boolean): RunRecord {
	const { outcome, exit_code, reason } = outcomeOf(exit, stopped ? 'canceled' : null, 0);
	return { type: 'step_ended', n, host, status: outcome, exit_code, reason, counts: null };
}
