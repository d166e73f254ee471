import { expect, it } from 'vitest';
import { pauseAfter } from '#domain/retry.ts';

const policy = { max: 3, delay_s: 10, on: ['exit_code' as const] };

it('the pause doubles, up to a day, and there is none after the last attempt or another end', () => {
	expect([1, 2, 3, 4].map((n) => pauseAfter(policy, n, 'exit_code'))).toEqual([10_000, 20_000, 40_000, null]);
	expect(pauseAfter({ ...policy, max: 10, delay_s: 80_000 }, 9, 'exit_code')).toBe(86_400_000);
	for (const code of ['timeout', 'agent_lost', 'canceled_by_user', 'refused_by_policy'] as const)
		expect(pauseAfter(policy, 1, code)).toBeNull();
	expect(pauseAfter(null, 1, 'exit_code')).toBeNull();
});
