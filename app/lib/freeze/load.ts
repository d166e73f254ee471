import type { Query } from '#client/typed.ts';
import { pageOf } from '#domain/common.ts';
import { Freeze } from '#domain/freeze.ts';
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

async function listed(query: Query<'GET', '/freezes'>, to: string | null, call: Call): Promise<Freeze[]> {
	const all: Freeze[] = [];
	let cursor: string | null = null;
	for (let pages = 0; pages < PAGES_MAX; pages++) {
		const page: { items: Freeze[]; next_cursor: string | null } = await api.get('/freezes', FreezePage, {
			...call,
			query: { ...query, sort: 'start', limit: 200, cursor },
		});
		all.push(...page.items.filter(({ start }) => to === null || start < to));
		cursor = page.next_cursor;
		if (cursor === null || all.length < (pages + 1) * 200) break;
	}
	return all;
}

/** The freezes that touch a window, by their start: of a project and of all projects, or (without one) of all that may be seen. */
export async function loadFreezesOf(
	project_id: number | null,
	{ from, to = null }: { from: string; to?: string | null },
	call: Call = {},
): Promise<Freeze[]> {
	if (project_id === null) return listed({ from }, to, call);
	const both = await Promise.all([
		listed({ from, project_id }, to, call),
		listed({ from, project_id: 'none' }, to, call),
	]);
	return both.flat().sort((a, b) => (a.start < b.start ? -1 : 1));
}
