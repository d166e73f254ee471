import { invalidate } from '$app/navigation';
import { LIVE } from '#lib/live/follow.svelte.ts';

/** Loads the page and the hub's list of projects anew: a project's settings are seen in both. */
export const reload = async (): Promise<void> => {
	await Promise.all([invalidate(LIVE), invalidate('app:hub')]);
};
