import type { NotificationEvent } from './notification.ts';
import { quietUntil, type QuietHours } from './quiet-hours.ts';

/** What happens within so long of the first goes into one mail with it. */
export const COLLECT_MS = 60_000;
/** So many mails a person gets within an hour; what comes beyond waits and goes together. */
export const HOURLY_MAX = 12;
const HOUR_MS = 3_600_000;

/**
 * Until when what a person is to be mailed has to wait, in ms; null: it goes now. `sent`: when the mails of the last hour were made. What
 * they send themselves disturbs nobody.
 */
export function heldUntil(
	events: readonly NotificationEvent[],
	sent: readonly number[],
	quiet: QuietHours | null,
	now: number,
): number | null {
	const loud = events.includes('test') ? null : quietUntil(quiet, now);
	if (loud !== null) return loud;
	const lately = sent.filter((at) => at > now - HOUR_MS);
	return lately.length < HOURLY_MAX ? null : Math.min(...lately) + HOUR_MS;
}
