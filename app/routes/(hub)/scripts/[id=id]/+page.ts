import { ProjectView } from '#domain/project.ts';
import { ScriptRef } from '#domain/script.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, depends }) => {
	depends('app:script');
	const at = `/scripts/${String(params.id)}`;
	const script = await api.get(at, ScriptRef, { fetch });
	const [project, content] = await Promise.all([
		api.get(`/projects/${String(script.project_id)}`, ProjectView, { fetch }),
		script.location_type === 'uploaded' ? api.text(`${at}/content`, { fetch }) : '',
	]);
	return { script, project, content };
};
