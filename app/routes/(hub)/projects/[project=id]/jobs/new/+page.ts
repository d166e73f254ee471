import { pageOf } from '#domain/common.ts';
import { ScriptRef } from '#domain/script.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => {
	const scripts = await api.get(`/projects/${String(params.project)}/scripts`, pageOf(ScriptRef), {
		fetch,
		query: { limit: 200 },
	});
	return { scripts: scripts.items };
};
