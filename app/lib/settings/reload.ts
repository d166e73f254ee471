import { invalidate } from '$app/navigation';
import { reload as reloadRows } from '#lib/live/anew.ts';

/** Loads the page and the hub's list of projects anew: a project's settings are seen in both. */
export const reload = async (): Promise<void> => {
	await Promise.all([reloadRows(), invalidate('app:hub')]);
};
