import { pageOf } from '#domain/common.ts';
import { ScriptRef } from '#domain/script.ts';
import { api } from '#lib/api/client.ts';
import { LIVE } from '#lib/live/follow.svelte.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url, depends }) => {
	depends(LIVE);
	const query = pick(url.searchParams, ['q', 'cursor']);
	return { scripts: await api.get(`/projects/${String(params.project)}/scripts`, pageOf(ScriptRef), { fetch, query }) };
};
