import { pageOf } from '#domain/common.ts';
import { JobItem } from '#domain/job.ts';
import { api } from '#lib/api/client.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

const keys = ['q', 'status', 'job_type', 'priority', 'environment_id', 'owner_id', 'sort', 'cursor'] as const;

export const load: PageLoad = async ({ fetch, params, url }) => {
	const query = pick(url.searchParams, keys);
	return { jobs: await api.get(`/projects/${String(params.project)}/jobs`, pageOf(JobItem), { fetch, query }) };
};
