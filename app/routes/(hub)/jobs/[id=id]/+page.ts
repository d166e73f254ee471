import { pageOf } from '#domain/common.ts';
import { GitChange } from '#domain/repo.ts';
import { api } from '#lib/api/client.ts';
import { IncidentPage } from '#lib/incident/pages.ts';
import { RunPage } from '#lib/run/pages.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url }) => {
	const query = { job_id: params.id, limit: 50, cursor: url.searchParams.get('cursor') };
	const [runs, changes, incidents] = await Promise.all([
		api.get('/runs', RunPage, { fetch, query }),
		api.get(`/jobs/${String(params.id)}/changes`, pageOf(GitChange), { fetch, query: { limit: 20 } }),
		api.get('/incidents', IncidentPage, { fetch, query: { job_id: params.id, limit: 10 } }),
	]);
	return { runs, changes: changes.items, incidents: incidents.items };
};
