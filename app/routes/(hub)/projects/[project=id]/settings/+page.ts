import { Cluster } from '#domain/cluster.ts';
import { pageOf } from '#domain/common.ts';
import { api } from '#lib/api/client.ts';
import { loadFreezesOf } from '#lib/freeze/load.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => {
	const { project } = params;
	const [freezes, clusters] = await Promise.all([
		loadFreezesOf(project, { from: new Date().toISOString() }, { fetch }),
		api.get(`/projects/${String(project)}/clusters`, pageOf(Cluster), { fetch, query: { limit: 200 } }),
	]);
	return { freezes, clusters: clusters.items.map(({ name }) => name) };
};
