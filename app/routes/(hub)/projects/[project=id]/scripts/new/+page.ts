import { pageOf } from '#domain/common.ts';
import { GitRepo } from '#domain/repo.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => {
	const query = { limit: 200 };
	const repos = await api.get(`/projects/${String(params.project)}/repos`, pageOf(GitRepo), { fetch, query });
	return { repos: repos.items };
};
