import { eq } from 'drizzle-orm';
import type { MetricRef } from '#domain/metric-ref.ts';
import { metric_refs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readMetricRef(ctx: Ctx, id: number): Promise<MetricRef> {
	const { rows } = await enter(ctx, 'metric_ref.read', ofRow('metric reference', id), [
		ctx.db.select().from(metric_refs).where(eq(metric_refs.id, id)),
	]);
	return one(rows[0], 'metric reference');
}
