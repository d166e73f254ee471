import { pageOf } from '#domain/common.ts';
import { ScriptRef } from '#domain/script.ts';
import { api } from '#lib/api/client.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url }) => {
	const query = pick(url.searchParams, ['q', 'cursor']);
	return { scripts: await api.get(`/projects/${String(params.project)}/scripts`, pageOf(ScriptRef), { fetch, query }) };
};
