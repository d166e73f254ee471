import { expect, it } from 'vitest';
import { isBehind } from '#domain/version.ts';

it('a version is behind another by its numbers, and what is none never is', () => {
	for (const [a, b] of [
		['0.1.0', '0.1.1'],
		['0.9.9', '0.10.0'],
		['0.1.0', '1.0.0'],
	] as const) {
		expect(isBehind(a, b)).toBe(true);
		expect(isBehind(b, a)).toBe(false);
		expect(isBehind(a, a)).toBe(false);
	}
	for (const odd of ['', 'unknown', '1.2']) expect(isBehind(odd, '9.9.9')).toBe(false);
});
