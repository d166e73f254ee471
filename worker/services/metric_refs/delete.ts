import { eq } from 'drizzle-orm';
import { metric_refs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Nothing refers to a metric reference: it goes alone. */
export async function deleteMetricRef(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, project, rows } = await enter(ctx, 'metric_ref.delete', ofRow('metric reference', id), [
		ctx.db.select().from(metric_refs).where(eq(metric_refs.id, id)),
	]);
	const before = one(rows[0], 'metric reference');
	await assertFresh(ctx, 'MetricRef', before, version);
	assertWritable(project);

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(metric_refs, before)],
		statements: [ctx.db.delete(metric_refs).where(eq(metric_refs.id, id))],
		audit: [
			{
				action: 'metric_ref.delete',
				object_type: 'MetricRef',
				object_id: id,
				project_id,
				metadata: { label: before.label },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'metric_ref', id, row: null }]));
}
