export const BACKOFF_FIRST_MS = 100;
export const BACKOFF_MAX_MS = 10_000;

/**
 * How long to wait before attempt `n` (0 is the first retry), in milliseconds. Between half and all of a doubling step,
 * so that a thousand agents that lost the same hub do not come back in the same instant.
 * @param random a number in [0, 1)
 */
export function backoff(n: number, random: number): number {
	const step = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(n, 30));
	return Math.round(step / 2 + (step / 2) * random);
}
