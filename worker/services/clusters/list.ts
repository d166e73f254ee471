import { and, eq, or } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type Cluster } from '#domain/cluster.ts';
import { clusters } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const ClusterList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at', 'updated_at'], 'name'),
	environment_id: z.coerce.number().pipe(Id).optional(),
});

export async function listClusters(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof ClusterList>,
): Promise<Page<Cluster>> {
	const { name, created_at, updated_at } = clusters;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at, updated_at }, clusters.id);
	const { rows } = await enter(ctx, 'cluster.list', inProject(project_id), [
		ctx.db
			.select()
			.from(clusters)
			.where(
				and(
					eq(clusters.project_id, project_id),
					where,
					query.environment_id ? eq(clusters.environment_id, query.environment_id) : undefined,
					or(holds(clusters.name, query.q), holds(clusters.api_server_url, query.q)),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
