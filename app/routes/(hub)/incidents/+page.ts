import { IncidentPage, incidentFilters } from '#lib/incident/pages.ts';
import { api } from '#lib/api/client.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, depends }) => {
	depends(LIVE);
	return {
		incidents: await api.get('/incidents', IncidentPage, { fetch, query: pick(url.searchParams, incidentFilters) }),
	};
};
