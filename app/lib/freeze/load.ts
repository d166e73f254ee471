import { z } from 'zod';
import type { Query } from '#client/typed.ts';
import { pageOf } from '#domain/common.ts';
import { Freeze, FreezeTime } from '#domain/freeze.ts';
import { api } from '#lib/api/client.ts';

export const FreezePage = pageOf(Freeze);

/** What the list of freezes takes from the address; `when` is this app's own word. */
export const freezeFilters = ['q', 'project_id', 'cursor'] as const;

/** Far more freezes than people plan; what lies beyond is not drawn. */
const PAGES_MAX = 5;

interface Call {
	fetch?: typeof fetch;
	signal?: AbortSignal;
}

async function listed(query: Query<'GET', '/freezes'>, call: Call): Promise<Freeze[]> {
	const all: Freeze[] = [];
	let cursor: string | null = null;
	for (let pages = 0; pages < PAGES_MAX; pages++) {
		const page: { items: Freeze[]; next_cursor: string | null } = await api.get('/freezes', FreezePage, {
			...call,
			query: { ...query, sort: 'start', limit: 200, cursor },
		});
		all.push(...page.items);
		cursor = page.next_cursor;
		if (cursor === null) break;
	}
	return all;
}

/** The freezes of a project and of all projects that are not over at a moment, by their start. */
export async function loadFreezesOf(
	project_id: number,
	{ from }: { from: string },
	call: Call = {},
): Promise<Freeze[]> {
	const both = await Promise.all([listed({ from, project_id }, call), listed({ from, project_id: 'none' }, call)]);
	return both.flat().sort((a, b) => (a.start < b.start ? -1 : 1));
}

/** When freezes are on in a window: those of a project and of all projects, or (without one) of all that may be seen. */
export const loadFreezeTimes = (
	project_id: number | null,
	{ from, to }: { from: string; to: string },
	call: Call = {},
): Promise<FreezeTime[]> =>
	api.get('/calendar/freezes', z.array(FreezeTime), { ...call, query: { start: from, end: to, project_id } });
