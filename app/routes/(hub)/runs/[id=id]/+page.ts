import { Agent } from '#domain/agent.ts';
import { pageOf } from '#domain/common.ts';
import { Environment } from '#domain/environment.ts';
import { JobView } from '#domain/job.ts';
import { LogLines } from '#domain/log.ts';
import { Run } from '#domain/run.ts';
import { TerraformPlan, TerraformPlanView } from '#domain/terraform.ts';
import { api } from '#lib/api/client.ts';
import { RunPage } from '#lib/run/pages.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => {
	const at = `/runs/${String(params.id)}` as const;
	const [run, begin] = await Promise.all([
		api.get(at, Run, { fetch }),
		api.get(`${at}/log/lines`, LogLines, { fetch, query: { from: 1, count: 200 } }),
	]);
	const planned = run.plan_id !== null || run.steps.some((step) => step.tool === 'terraform');
	const [job, environments, agents, plans, later] = await Promise.all([
		api.get(`/jobs/${String(run.job_id)}`, JobView, { fetch }),
		api.get(`/projects/${String(run.project_id)}/environments`, pageOf(Environment), { fetch, query: { limit: 200 } }),
		api.get('/agents', pageOf(Agent), { fetch, query: { limit: 200 } }),
		planned ? plansOf(run, fetch) : [],
		api.get('/runs', RunPage, { fetch, query: { retry_of: run.id, limit: 20 } }),
	]);
	return { run, begin, job, environments: environments.items, agents: agents.items, plans, attempts: later.items };
};

/** The plan it applies, or the ones it made. */
async function plansOf(run: Run, fetch: typeof globalThis.fetch): Promise<TerraformPlan[]> {
	if (run.plan_id !== null) {
		const one = await api
			.get(`/terraform-plans/${String(run.plan_id)}`, TerraformPlanView, { fetch })
			.catch(() => null);
		return one ? [one] : [];
	}
	const path = `/projects/${String(run.project_id)}/terraform-plans` as const;
	return (await api.get(path, pageOf(TerraformPlan), { fetch, query: { run_id: run.id } })).items;
}
