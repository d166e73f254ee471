import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { breather, calm } from '#durable/core/calm.ts';

beforeEach(() => {
	vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
	vi.useRealTimers();
});

/** How long it took, where each timer fires so late. */
async function took(most_ms: number, late_ms: (look: number) => number): Promise<number> {
	let ended: number | null = null;
	const done = calm(most_ms).then(() => (ended = Date.now()));
	for (let look = 0; ended === null; look++) {
		// The thread is busy: time passes and no timer fires.
		vi.setSystemTime(Date.now() + late_ms(look));
		await vi.advanceTimersToNextTimerAsync();
	}
	await done;
	return Date.now();
}

it('lets go at once where nobody waits for the thread', async () => {
	expect(await took(100, () => 0)).toBe(2);
});

it('waits as long as the thread is busy', async () => {
	expect(await took(1000, (look) => (look < 5 ? 20 : 0))).toBe(5 * 22 + 2);
});

it('never waits much longer than it may', async () => {
	const at = await took(100, () => 30);
	expect(at).toBeGreaterThanOrEqual(100);
	expect(at).toBeLessThan(100 + 32);
});

it('between the parts of long work others are heard now and then, and the rest of it goes on at once', async () => {
	const breathe = breather(100);
	const waited: number[] = [];
	for (let part = 0; part < 35; part++) {
		const going = breathe();
		if (vi.getTimerCount() > 0) waited.push(part);
		await vi.runAllTimersAsync();
		await going;
		vi.setSystemTime(Date.now() + 10);
	}
	expect(waited).toEqual([10, 20, 30]);
});
