import { Agent } from '#domain/agent.ts';
import { api } from '#lib/api/client.ts';
import { hubVersion } from '#lib/fleet/pages.ts';
import { of } from '#lib/live/hub-line.ts';
import { RunPage } from '#lib/run/pages.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, depends }) => {
	depends(of('agent'), of('host'));
	const agent_id = params.id;
	const [agent, runs, hub_version] = await Promise.all([
		api.get(`/agents/${String(agent_id)}`, Agent, { fetch }),
		api.get('/runs', RunPage, { fetch, query: { agent_id, limit: 20 } }),
		hubVersion(fetch),
	]);
	return { agent, runs: runs.items, hub_version };
};
