import { api } from '#lib/api/client.ts';
import { runFilters, RunPage } from '#lib/run/pages.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url }) => {
	const query = { ...pick(url.searchParams, runFilters), project_id: params.project };
	return { runs: await api.get('/runs', RunPage, { fetch, query }) };
};
