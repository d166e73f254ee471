import { and, eq, sql } from 'drizzle-orm';
import type { Cluster, ClusterPatch } from '#domain/cluster.ts';
import { clusters } from '../../db/client.ts';
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

export async function updateCluster(ctx: Ctx, id: number, version: number, patch: ClusterPatch): Promise<Cluster> {
	const refs = { environment_id: patch.environment_id };
	const { actor, project, rows } = await enter(ctx, 'cluster.update', ofRow('cluster', id), [
		ctx.db.select().from(clusters).where(eq(clusters.id, id)),
		strayReference(ctx, sql`(select project_id from clusters where id = ${id})`, refs),
	]);
	const before = one(rows[0], 'cluster');
	await assertFresh(ctx, 'Cluster', before, version);
	assertWritable(project);
	assertReferences(rows[1]);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const { project_id } = before;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(clusters, before), ...stillThere(project_id, refs)],
		statements: [
			ctx.db
				.update(clusters)
				.set({ ...defined(patch), ...edited(ctx, before) })
				.where(and(eq(clusters.id, id), eq(clusters.version, before.version)))
				.returning(),
		],
		audit: [editEntry('cluster.update', 'Cluster', before, project_id, changes)],
	});
	const row = one(after, 'cluster');
	ctx.after(ctx.live.changed([{ project_id, entity: 'cluster', id, row }]));
	return row;
}
