import { Cluster } from '#domain/cluster.ts';
import { pageOf } from '#domain/common.ts';
import { Inventory } from '#domain/inventory.ts';
import { MetricRef } from '#domain/metric-ref.ts';
import { TerraformPlan } from '#domain/terraform.ts';
import { api } from '#lib/api/client.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url }) => {
	const at = `/projects/${String(params.project)}` as const;
	const query = { limit: 200 };
	const [inventories, plans, clusters, metrics] = await Promise.all([
		api.get(`${at}/inventories`, pageOf(Inventory), { fetch, query }),
		// The one list that grows: a plan for every change of the infrastructure.
		api.get(`${at}/terraform-plans`, pageOf(TerraformPlan), {
			fetch,
			query: { limit: 20, cursor: url.searchParams.get('cursor') },
		}),
		api.get(`${at}/clusters`, pageOf(Cluster), { fetch, query }),
		api.get(`${at}/metric-refs`, pageOf(MetricRef), { fetch, query }),
	]);
	return { inventories: inventories.items, plans, clusters: clusters.items, metrics: metrics.items };
};
