import { pageOf } from '#domain/common.ts';
import { IncidentChange } from '#domain/incident-change.ts';
import { IncidentEntry } from '#domain/incident-entry.ts';
import { IncidentLinkView } from '#domain/incident-link.ts';
import { api } from '#lib/api/client.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url, depends }) => {
	depends(LIVE);
	const at = `/incidents/${String(params.id)}` as const;
	const query = { sort: '-at', limit: 100, cursor: url.searchParams.get('cursor') };
	const [entries, links, changes] = await Promise.all([
		api.get(`${at}/entries`, pageOf(IncidentEntry), { fetch, query }),
		api.get(`${at}/links`, pageOf(IncidentLinkView), { fetch }),
		api.get(`${at}/changes`, pageOf(IncidentChange), { fetch }),
	]);
	return { entries, links: links.items, changes: changes.items };
};
