import { sql } from 'drizzle-orm';
import type { Cluster, ClusterCreate } from '#domain/cluster.ts';
import { clusters } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertReferences, stillThere, strayReference } from '../same-project.ts';

export async function createCluster(ctx: Ctx, project_id: number, input: ClusterCreate): Promise<Cluster> {
	const refs = { environment_id: input.environment_id };
	const { actor, project, rows } = await enter(ctx, 'cluster.create', inProject(project_id), [
		strayReference(ctx, sql`${project_id}`, refs),
	]);
	assertWritable(project);
	assertReferences(rows[0]);
	const [made] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillThere(project_id, refs)],
		statements: [
			ctx.db
				.insert(clusters)
				.values({ ...input, project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'cluster.create',
				object_type: 'Cluster',
				object_id: lastInserted('clusters'),
				project_id,
				metadata: { ...input },
			},
		],
	});
	const row = one(made, 'cluster');
	ctx.after(ctx.live.changed([{ project_id, entity: 'cluster', id: row.id, row }]));
	return row;
}
