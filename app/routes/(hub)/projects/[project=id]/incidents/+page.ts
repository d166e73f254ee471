import { IncidentPage, incidentFilters } from '#lib/incident/pages.ts';
import { api } from '#lib/api/client.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url }) => {
	const query = { ...pick(url.searchParams, incidentFilters), project_id: params.project };
	return { incidents: await api.get('/incidents', IncidentPage, { fetch, query }) };
};
