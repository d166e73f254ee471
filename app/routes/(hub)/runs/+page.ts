import { api } from '#lib/api/client.ts';
import { runFilters, RunPage } from '#lib/run/pages.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url }) => {
	return { runs: await api.get('/runs', RunPage, { fetch, query: pick(url.searchParams, runFilters) }) };
};
