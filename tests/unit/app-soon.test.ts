import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { soon, undisturbed } from '#lib/live/soon.ts';

beforeEach(() => {
	vi.useFakeTimers();
	vi.stubGlobal('document', { hidden: false });
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

it('a removal waits for what is being loaded, and what is due meanwhile waits for the removal', async () => {
	const told: string[] = [];
	let loaded = Promise.withResolvers<null>();
	const load = soon(async () => {
		told.push('asked');
		await loaded.promise;
		told.push('loaded');
	});
	load();
	await vi.advanceTimersByTimeAsync(10_000);
	expect(told).toEqual(['asked']);

	const removed = Promise.withResolvers<null>();
	const removal = undisturbed(async () => {
		told.push('removing');
		await removed.promise;
		told.push('removed');
	});
	await vi.advanceTimersByTimeAsync(10_000);
	expect(told).toEqual(['asked']);
	loaded.resolve(null);
	await vi.advanceTimersByTimeAsync(0);
	expect(told).toEqual(['asked', 'loaded', 'removing']);

	loaded = Promise.withResolvers();
	load();
	await vi.advanceTimersByTimeAsync(10_000);
	expect(told).toHaveLength(3);
	removed.resolve(null);
	await removal;
	expect(told.slice(3)).toEqual(['removed', 'asked']);
	loaded.resolve(null);
	await vi.advanceTimersByTimeAsync(0);
	expect(told.at(-1)).toBe('loaded');
});
