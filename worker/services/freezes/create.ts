import { sql } from 'drizzle-orm';
import type { Freeze, FreezeCreate } from '#domain/freeze.ts';
import { freezes } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertEnvironment, environmentQuery, stillThere } from '../incidents/references.ts';
import { assertSeries, recursUntil } from '../series.ts';
import { tellFreeze } from './tell.ts';

/** Closes a window: of an environment, of a project, or of the whole hub. */
export async function createFreeze(ctx: Ctx, input: FreezeCreate): Promise<Freeze> {
	const { project_id, environment_id } = input;
	assertSeries(input);
	const { actor, project, rows } = await enter(
		ctx,
		project_id === null ? 'freeze.everywhere' : 'freeze.create',
		project_id === null ? null : inProject(project_id),
		[environmentQuery(ctx, sql`${project_id}`, environment_id)],
	);
	assertWritable(project);
	assertEnvironment(environment_id, rows[0]);

	const [made] = await commit(ctx, actor, {
		expect: project_id === null ? [] : [writable(project_id), ...stillThere(project_id, environment_id)],
		statements: [
			ctx.db
				.insert(freezes)
				.values({ ...input, recurs_until: recursUntil(input), ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'freeze.create',
				object_type: 'Freeze',
				object_id: lastInserted('freezes'),
				project_id,
				metadata: { ...input },
			},
		],
	});
	const freeze = one(made, 'freeze');
	tellFreeze(ctx, freeze.project_id, freeze.id, freeze);
	return freeze;
}
