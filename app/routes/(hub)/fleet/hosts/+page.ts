import { api } from '#lib/api/client.ts';
import { AgentPage } from '#lib/fleet/pages.ts';
import { of } from '#lib/live/hub-line.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

/** Each has three charts: more at once is slow to draw and too much to look at. */
const HOSTS = 12;

export const load: PageLoad = async ({ fetch, url, depends }) => {
	depends(of('agent'), of('host'));
	const query = { limit: HOSTS, ...pick(url.searchParams, ['q', 'status', 'cursor']) };
	return { agents: await api.get('/agents', AgentPage, { fetch, query }) };
};
