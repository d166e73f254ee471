import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGENT_PATIENCE, backoff, VIEWER_PATIENCE } from '#protocol/backoff.ts';

describe.each([AGENT_PATIENCE, VIEWER_PATIENCE])('back-off from $first ms to $longest ms', (patience) => {
	it('starts small, grows, stays within its bounds, and is not the same for everybody', () => {
		const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
		fc.assert(
			fc.property(fc.nat(10_000), random, (attempt, random) => {
				const wait = backoff(attempt, random, patience);
				expect(wait).toBeGreaterThanOrEqual(patience.first / 2);
				expect(wait).toBeLessThanOrEqual(attempt === 0 ? patience.first : patience.longest);
				expect(backoff(attempt + 1, random, patience)).toBeGreaterThanOrEqual(wait);
			}),
		);
		expect(backoff(3, 0, patience)).not.toBe(backoff(3, 0.9, patience));
	});
});
