import { pageOf } from '#domain/common.ts';
import { GitChange } from '#domain/repo.ts';
import { api } from '#lib/api/client.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import { RunPage } from '#lib/run/pages.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url, depends }) => {
	depends(LIVE);
	const query = { job_id: params.id, limit: 50, cursor: url.searchParams.get('cursor') };
	const [runs, changes] = await Promise.all([
		api.get('/runs', RunPage, { fetch, query }),
		api.get(`/jobs/${String(params.id)}/changes`, pageOf(GitChange), { fetch, query: { limit: 20 } }),
	]);
	return { runs, changes: changes.items };
};
