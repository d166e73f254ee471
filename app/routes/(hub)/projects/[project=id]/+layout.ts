import { pageOf } from '#domain/common.ts';
import { Environment } from '#domain/environment.ts';
import { ProjectView } from '#domain/project.ts';
import { api } from '#lib/api/client.ts';
import type { LayoutLoad } from './$types';

export const load: LayoutLoad = async ({ fetch, params }) => {
	const at = `/projects/${String(params.project)}` as const;
	const [project, environments] = await Promise.all([
		api.get(at, ProjectView, { fetch }),
		api.get(`${at}/environments`, pageOf(Environment), { fetch, query: { limit: 200 } }),
	]);
	return { project, environments: environments.items };
};
