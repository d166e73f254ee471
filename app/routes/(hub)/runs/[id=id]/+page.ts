import { Agent } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';
import { Environment } from '#domain/environment.ts';
import { JobView } from '#domain/job.ts';
import { LogLines } from '#domain/log.ts';
import { Run } from '#domain/run.ts';
import { api } from '#lib/api/client.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, depends }) => {
	depends(LIVE);
	const at = `/runs/${String(params.id)}` as const;
	const [run, begin] = await Promise.all([
		api.get(at, Run, { fetch }),
		api.get(`${at}/log/lines`, LogLines, { fetch, query: { from: 1, count: 200 } }),
	]);
	const [job, environments, agents] = await Promise.all([
		api.get(`/jobs/${String(run.job_id)}`, JobView, { fetch }),
		api.get(`/projects/${String(run.project_id)}/environments`, pageOf(Environment), { fetch, query: { limit: 200 } }),
		api.get('/agents', pageOf(Agent), { fetch, query: { limit: 200 } }),
	]);
	return { run, begin, job, environments: environments.items, agents: agents.items };
};
