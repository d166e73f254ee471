import { pageOf } from '#domain/common.ts';
import { JobItem } from '#domain/job.ts';
import { GitChange, GitRepo } from '#domain/repo.ts';
import { api } from '#lib/api/client.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url }) => {
	const at = `/projects/${String(params.project)}` as const;
	const query = pick(url.searchParams, ['q', 'cursor', 'repo_id', 'change_type']);
	const [repos, changes, jobs] = await Promise.all([
		api.get(`${at}/repos`, pageOf(GitRepo), { fetch, query: { limit: 200 } }),
		api.get(`${at}/changes`, pageOf(GitChange), { fetch, query }),
		api.get(`${at}/jobs`, pageOf(JobItem), { fetch, query: { limit: 200, sort: 'title' } }),
	]);
	return { repos, changes, jobs: jobs.items };
};
