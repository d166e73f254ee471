import { pageOf } from '#domain/common.ts';
import { Job } from '#domain/job.ts';
import { ProjectView } from '#domain/project.ts';
import { GitRepo } from '#domain/repo.ts';
import { ScriptRef } from '#domain/script.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => {
	const at = `/scripts/${String(params.id)}` as const;
	const script = await api.get(at, ScriptRef, { fetch });
	const [project, repos, content, jobs] = await Promise.all([
		api.get(`/projects/${String(script.project_id)}`, ProjectView, { fetch }),
		api.get(`/projects/${String(script.project_id)}/repos`, pageOf(GitRepo), { fetch, query: { limit: 200 } }),
		script.location_type === 'uploaded' ? api.text(`${at}/content`, { fetch }) : '',
		api.get(`${at}/jobs`, pageOf(Job), { fetch, query: { limit: 50 } }),
	]);
	return { script, project, repos: repos.items, content, jobs: jobs.items, more: jobs.next_cursor !== null };
};
