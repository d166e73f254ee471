import { pageOf } from '#domain/common.ts';
import { Environment } from '#domain/environment.ts';
import { IncidentDetail } from '#domain/incident.ts';
import { ActionItem, PostMortem } from '#domain/postmortem.ts';
import { ProjectView } from '#domain/project.ts';
import { api } from '#lib/api/client.ts';
import type { LayoutLoad } from './$types';

export const load: LayoutLoad = async ({ fetch, params }) => {
	const at = `/incidents/${String(params.id)}` as const;
	const incident = await api.get(at, IncidentDetail, { fetch });
	const inProject = `/projects/${String(incident.project_id)}` as const;
	const [project, environments, postmortem, actions] = await Promise.all([
		api.get(inProject, ProjectView, { fetch }),
		api.get(`${inProject}/environments`, pageOf(Environment), { fetch, query: { limit: 200 } }),
		incident.postmortem && api.get(`${at}/postmortem`, PostMortem, { fetch }),
		incident.postmortem && api.get(`${at}/postmortem/actions`, pageOf(ActionItem), { fetch, query: { limit: 200 } }),
	]);
	return { incident, postmortem, project, environments: environments.items, actions: actions?.items ?? [] };
};
