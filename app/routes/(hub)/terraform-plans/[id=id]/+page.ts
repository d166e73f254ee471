import { pageOf } from '#domain/common.ts';
import { Environment } from '#domain/environment.ts';
import { Job } from '#domain/job.ts';
import { ProjectView } from '#domain/project.ts';
import { Run } from '#domain/run.ts';
import { PlanDiff, TerraformPlanView } from '#domain/terraform.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => {
	const at = `/terraform-plans/${String(params.id)}` as const;
	const [plan, diff] = await Promise.all([
		api.get(at, TerraformPlanView, { fetch }),
		api.get(`${at}/diff`, PlanDiff, { fetch }),
	]);
	const [project, job, made_by, environments] = await Promise.all([
		api.get(`/projects/${String(plan.project_id)}`, ProjectView, { fetch }),
		plan.job_id === null ? null : api.get(`/jobs/${String(plan.job_id)}`, Job, { fetch }),
		plan.run_id === null ? null : api.get(`/runs/${String(plan.run_id)}`, Run, { fetch }),
		api.get(`/projects/${String(plan.project_id)}/environments`, pageOf(Environment), { fetch, query: { limit: 200 } }),
	]);
	const environment = environments.items.find((e) => e.id === made_by?.environment_id) ?? null;
	return { plan, diff, project, job, environment };
};
