import { sql } from 'drizzle-orm';
import type { MetricRef, MetricRefCreate } from '#domain/metric-ref.ts';
import { metric_refs } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertReferences, stillThere, strayReference } from '../same-project.ts';

export async function createMetricRef(ctx: Ctx, project_id: number, input: MetricRefCreate): Promise<MetricRef> {
	const refs = { incident_id: input.incident_id };
	const { actor, project, rows } = await enter(ctx, 'metric_ref.create', inProject(project_id), [
		strayReference(ctx, sql`${project_id}`, refs),
	]);
	assertWritable(project);
	assertReferences(rows[0]);
	const [made] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillThere(project_id, refs)],
		statements: [
			ctx.db
				.insert(metric_refs)
				.values({ ...input, project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'metric_ref.create',
				object_type: 'MetricRef',
				object_id: lastInserted('metric_refs'),
				project_id,
				metadata: { ...input },
			},
		],
	});
	const row = one(made, 'metric reference');
	ctx.after(ctx.live.changed([{ project_id, entity: 'metric_ref', id: row.id, row }]));
	return row;
}
