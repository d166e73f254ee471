import type { RetryPolicy } from './job.ts';
import type { ReasonCode } from './run-reason.ts';

const PAUSE_MAX_S = 86_400;

/** Milliseconds before the attempt after this one, where the policy asks for one after such an end; else null. */
export function pauseAfter(policy: RetryPolicy | null, attempt: number, code: ReasonCode): number | null {
	if (!policy || attempt > policy.max || !policy.on.some((on) => on === code)) return null;
	return Math.min(policy.delay_s * 2 ** (attempt - 1), PAUSE_MAX_S) * 1000;
}
