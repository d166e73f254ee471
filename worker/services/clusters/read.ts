import { eq } from 'drizzle-orm';
import type { Cluster } from '#domain/cluster.ts';
import { clusters } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readCluster(ctx: Ctx, id: number): Promise<Cluster> {
	const { rows } = await enter(ctx, 'cluster.read', ofRow('cluster', id), [
		ctx.db.select().from(clusters).where(eq(clusters.id, id)),
	]);
	return one(rows[0], 'cluster');
}
