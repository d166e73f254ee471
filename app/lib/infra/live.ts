import { Cluster } from '#domain/cluster.ts';
import { Inventory } from '#domain/inventory.ts';
import { MetricRef } from '#domain/metric-ref.ts';
import { TerraformPlan } from '#domain/terraform.ts';
import { live } from '#lib/live/live.svelte.ts';

/** What changes in the infrastructure while one looks at it. */
export const changed = {
	inventory: live.also('inventory', Inventory),
	terraform_plan: live.also('terraform_plan', TerraformPlan),
	cluster: live.also('cluster', Cluster),
	metric_ref: live.also('metric_ref', MetricRef),
};
