import { agentFilters, hubVersion, loadFleet } from '#lib/fleet/pages.ts';
import { of } from '#lib/live/hub-line.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, parent, depends }) => {
	depends(of('agent'), of('host'));
	const query = pick(url.searchParams, agentFilters);
	const { me } = await parent();
	const [fleet, hub_version] = await Promise.all([loadFleet(me, query, fetch), hubVersion(fetch)]);
	return { filtered: Object.keys(query).length > 0, ...fleet, hub_version };
};
