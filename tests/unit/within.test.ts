import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { within } from '#durable/core/within.ts';

// Work that comes to its end, fails, or never says anything.

beforeEach(() => {
	vi.useFakeTimers();
});
afterEach(() => {
	expect(vi.getTimerCount()).toBe(0);
	vi.useRealTimers();
});

it('comes to what the work comes to, and waits for nothing afterwards', async () => {
	expect(await within(1000, Promise.resolve(3), 'the store')).toBe(3);
	await expect(within(1000, Promise.reject(new Error('R2 is away')), 'the store')).rejects.toThrow('R2 is away');
});

it('fails where the work says nothing for so long, and not before', async () => {
	let failed = false;
	const silent = within(1000, new Promise(() => undefined), 'the store').catch((error: unknown) => {
		failed = true;
		return error;
	});
	await vi.advanceTimersByTimeAsync(999);
	expect(failed).toBe(false);
	await vi.advanceTimersByTimeAsync(1);
	expect(await silent).toEqual(new Error('the store did not answer in 1 s'));
});
