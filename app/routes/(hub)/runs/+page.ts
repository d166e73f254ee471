import { api } from '#lib/api/client.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import { runFilters, RunPage } from '#lib/run/pages.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, depends }) => {
	depends(LIVE);
	return { runs: await api.get('/runs', RunPage, { fetch, query: pick(url.searchParams, runFilters) }) };
};
