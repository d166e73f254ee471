import { and, eq, sql } from 'drizzle-orm';
import type { MetricRef, MetricRefPatch } from '#domain/metric-ref.ts';
import { metric_refs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import {
	assertFresh,
	assertWritable,
	changesOf,
	defined,
	edited,
	editEntry,
	isEmpty,
	one,
	unchanged,
} from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertReferences, stillThere, strayReference } from '../same-project.ts';

export async function updateMetricRef(
	ctx: Ctx,
	id: number,
	version: number,
	patch: MetricRefPatch,
): Promise<MetricRef> {
	const refs = { incident_id: patch.incident_id };
	const { actor, project, rows } = await enter(ctx, 'metric_ref.update', ofRow('metric reference', id), [
		ctx.db.select().from(metric_refs).where(eq(metric_refs.id, id)),
		strayReference(ctx, sql`(select project_id from metric_refs where id = ${id})`, refs),
	]);
	const before = one(rows[0], 'metric reference');
	await assertFresh(ctx, 'MetricRef', before, version);
	assertWritable(project);
	assertReferences(rows[1]);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const { project_id } = before;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(metric_refs, before), ...stillThere(project_id, refs)],
		statements: [
			ctx.db
				.update(metric_refs)
				.set({ ...defined(patch), ...edited(ctx, before) })
				.where(and(eq(metric_refs.id, id), eq(metric_refs.version, before.version)))
				.returning(),
		],
		audit: [editEntry('metric_ref.update', 'MetricRef', before, project_id, changes)],
	});
	const row = one(after, 'metric reference');
	ctx.after(ctx.live.changed([{ project_id, entity: 'metric_ref', id, row }]));
	return row;
}
