import { and, eq, or } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type MetricRef } from '#domain/metric-ref.ts';
import { metric_refs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const MetricRefList = z.strictObject({
	...ListQuery,
	sort: sortBy(['label', 'created_at', 'updated_at'], 'label'),
	incident_id: z.coerce.number().pipe(Id).optional(),
});

export async function listMetricRefs(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof MetricRefList>,
): Promise<Page<MetricRef>> {
	const { label, created_at, updated_at } = metric_refs;
	const { limit, orderBy, page, where } = keyset(query, { label, created_at, updated_at }, metric_refs.id);
	const { rows } = await enter(ctx, 'metric_ref.list', inProject(project_id), [
		ctx.db
			.select()
			.from(metric_refs)
			.where(
				and(
					eq(metric_refs.project_id, project_id),
					where,
					query.incident_id ? eq(metric_refs.incident_id, query.incident_id) : undefined,
					or(holds(metric_refs.label, query.q), holds(metric_refs.url, query.q)),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
