/** How long to wait, in milliseconds: before the first new attempt at most, and ever at most. */
export interface Patience {
	first: number;
	longest: number;
}

/** An agent is back soon: its runs wait for it. */
export const AGENT_PATIENCE: Patience = { first: 100, longest: 10_000 };
/** Of a page or a command line there are many, and they only look on. */
export const VIEWER_PATIENCE: Patience = { first: 400, longest: 15_000 };

/**
 * How long to wait before attempt `n` (0 is the first retry), in milliseconds. Between half and all of a doubling step,
 * so that a thousand that lost the same hub do not come back in the same instant.
 * @param random a number in [0, 1)
 */
export function backoff(n: number, random: number, { first, longest }: Patience): number {
	const step = Math.min(longest, first * 2 ** Math.min(n, 30));
	return Math.round(step / 2 + (step / 2) * random);
}
