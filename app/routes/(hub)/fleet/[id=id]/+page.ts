import { Agent } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';
import { api } from '#lib/api/client.ts';
import { ServerStatus } from '#lib/fleet/host.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import { RunPage } from '#lib/run/pages.ts';
import type { PageLoad } from './$types';

/** Reports drawn: as many as one page of the list holds. */
const REPORTS = 200;

export const load: PageLoad = async ({ fetch, params, depends }) => {
	depends(LIVE);
	const agent_id = params.id;
	const [agent, runs, reports] = await Promise.all([
		api.get(`/agents/${String(agent_id)}`, Agent, { fetch }),
		api.get('/runs', RunPage, { fetch, query: { agent_id, limit: 20 } }),
		api.get('/server-status', pageOf(ServerStatus), { fetch, query: { agent_id, limit: REPORTS } }),
	]);
	return { agent, runs: runs.items, history: reports.items.reverse() };
};
