const FIRST_MS = 400;
const LONGEST_MS = 15_000;

/**
 * How long to wait before the next attempt, in ms: doubling, at most 15 s, and anywhere between half and all of that, so that
 * a thousand pages do not come back in the same instant. `attempt` counts from 0, `random` is in [0, 1).
 */
export function backoff(attempt: number, random: number): number {
	const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
	return ceiling / 2 + (ceiling / 2) * random;
}
