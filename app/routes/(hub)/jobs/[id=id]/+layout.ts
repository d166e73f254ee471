import { pageOf } from '#domain/common.ts';
import { Environment } from '#domain/environment.ts';
import { JobView } from '#domain/job.ts';
import { ProjectView } from '#domain/project.ts';
import { ScriptRef } from '#domain/script.ts';
import { api } from '#lib/api/client.ts';
// What becomes of the job is heard from here on, on whichever of its pages.
import '#lib/job/live.ts';
import type { LayoutLoad } from './$types';

export const load: LayoutLoad = async ({ fetch, params }) => {
	const job = await api.get(`/jobs/${String(params.id)}`, JobView, { fetch });
	const at = `/projects/${String(job.project_id)}` as const;
	const query = { limit: 200 };
	const [project, environments, scripts] = await Promise.all([
		api.get(at, ProjectView, { fetch }),
		api.get(`${at}/environments`, pageOf(Environment), { fetch, query }),
		api.get(`${at}/scripts`, pageOf(ScriptRef), { fetch, query }),
	]);
	return { job, project, environments: environments.items, scripts: scripts.items };
};
