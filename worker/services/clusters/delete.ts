import { eq } from 'drizzle-orm';
import { clusters } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Nothing refers to a cluster: it goes alone. */
export async function deleteCluster(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, project, rows } = await enter(ctx, 'cluster.delete', ofRow('cluster', id), [
		ctx.db.select().from(clusters).where(eq(clusters.id, id)),
	]);
	const before = one(rows[0], 'cluster');
	await assertFresh(ctx, 'Cluster', before, version);
	assertWritable(project);

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(clusters, before)],
		statements: [ctx.db.delete(clusters).where(eq(clusters.id, id))],
		audit: [
			{
				action: 'cluster.delete',
				object_type: 'Cluster',
				object_id: id,
				project_id,
				metadata: { name: before.name },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'cluster', id, row: null }]));
}
