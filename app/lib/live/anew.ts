import { invalidate } from '$app/navigation';
import { navigating } from '$app/state';
import { m } from '#lib/paraglide/messages.js';
import { notices } from '#lib/ui/notices.svelte.ts';
import type { Change } from '#protocol/browser.ts';
import { isOf, isTold, tellsOf } from './asked.ts';
import { soon } from './soon.ts';

/** Changes remembered until pages load anew; where there are more, everything is. */
const TOLD_MAX = 200;

const told = new Map<string, { change: Omit<Change, 'seq'>; project_id: number }>();
let everything = false;
/** The latest rows that were removed. A page that is about one of them stays as it is: somebody may be typing there. */
let removed: Omit<Change, 'seq'>[] = [];

async function aboutRemoved(): Promise<boolean> {
	let found = false;
	// Only looks at what the page has asked for.
	await invalidate((url) => {
		found ||= removed.some((change) => isOf(url, change));
		return false;
	});
	return found;
}

const loadAnew = soon(async () => {
	// What a navigation under way has loaded may be older than what was told meanwhile.
	await navigating.complete?.catch(() => undefined);
	const changes = [...told.values()];
	const all = everything;
	told.clear();
	everything = false;
	if (removed.length > 0 && (await aboutRemoved())) {
		if (changes.some(({ change }) => change.row === null)) notices.say(m.page_row_gone());
		return;
	}
	await invalidate(
		(url) => isTold(url) && (all || changes.some(({ change, project_id }) => tellsOf(url, change, project_id))),
	);
});

/**
 * A row of a project changed: what was loaded by a question whose answer may be another one now is loaded anew, soon. A `load` says
 * what it shows by what it asks for (with its own `fetch`), so no page can forget to follow.
 */
export function changed(change: Omit<Change, 'seq'>, project_id: number): void {
	if (told.size < TOLD_MAX)
		told.set(`${change.entity} ${String(change.id)} ${String(project_id)}`, { change, project_id });
	else everything = true;
	if (change.row === null) removed = [...removed, change].slice(-TOLD_MAX);
	loadAnew();
}

/** Loads anew, soon, whatever shows rows of projects. */
export function refresh(): void {
	everything = true;
	loadAnew();
}

/** The same at once; resolves when it is shown. */
export const reload = (): Promise<void> => invalidate(isTold);
