import { inArray, type SQL } from 'drizzle-orm';
import type { Execution } from '#domain/backend.ts';
import { K8sConfig } from '#domain/backend-config.ts';
import { clusters } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** For a batch: the clusters that the runs of projects may name. */
export const clustersQuery = (ctx: Ctx, project_ids: SQL) =>
	ctx.db
		.select({
			project_id: clusters.project_id,
			name: clusters.name,
			environment_id: clusters.environment_id,
			kubeconfig_ref: clusters.kubeconfig_ref,
			api_server_url: clusters.api_server_url,
		})
		.from(clusters)
		.where(inArray(clusters.project_id, project_ids));
type ClusterRow = Awaited<ReturnType<typeof clustersQuery>>[number];

/** The cluster that an execution names is not there, or not for this environment. */
export class NoCluster extends Error {}

/** How the cluster of a run is reached. Pure; asked when the run is asked for, and again when it is handed to an agent. Throws `NoCluster`. */
export function clusterOf(
	{ execution_backend, execution_backend_config }: Execution,
	known: readonly ClusterRow[],
	project_id: number,
	environment_id: number | null,
): Pick<ClusterRow, 'kubeconfig_ref' | 'api_server_url'> | null {
	if (execution_backend !== 'k8s') return null;
	const { cluster: name } = K8sConfig.pick({ cluster: true }).loose().parse(execution_backend_config);
	const found = known.find((cluster) => cluster.project_id === project_id && cluster.name === name);
	if (!found) throw new NoCluster(`The project has no cluster ${name}.`);
	if (found.environment_id !== null && found.environment_id !== environment_id)
		throw new NoCluster(`The cluster ${name} belongs to another environment.`);
	return { kubeconfig_ref: found.kubeconfig_ref, api_server_url: found.api_server_url };
}
