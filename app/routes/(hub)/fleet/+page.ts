import { agentFilters, loadFleet } from '#lib/fleet/pages.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, parent, depends }) => {
	depends(LIVE);
	const query = pick(url.searchParams, agentFilters);
	const { me } = await parent();
	return { query, ...(await loadFleet(me, query, { fetch })) };
};
