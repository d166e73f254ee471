import { eq, sql } from 'drizzle-orm';
import type { ProjectGroup, ProjectGroupPut } from '#domain/group.ts';
import { groups, project_groups } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { oneProjectGroup } from './rows.ts';

/** Gives a group access to a project, or changes it. Also of an archived one: who may look is no part of its work. */
export async function putProjectGroup(
	ctx: Ctx,
	project_id: number,
	group_id: number,
	{ access }: ProjectGroupPut,
): Promise<ProjectGroup> {
	const { actor, rows } = await enter(ctx, 'project_group.put', inProject(project_id), [
		ctx.db.select({ name: groups.name }).from(groups).where(eq(groups.id, group_id)),
		oneProjectGroup(ctx, project_id, group_id),
	]);
	const { name } = one(rows[0], 'group');
	const [before] = rows[1];
	if (before?.access === access) return before;
	const { created_at, updated_at } = created(ctx);
	const [, after] = await commit(ctx, actor, {
		expect: [sql`exists (select 1 from groups where id = ${group_id})`],
		statements: [
			ctx.db
				.insert(project_groups)
				.values({ project_id, group_id, access, created_at, updated_at })
				.onConflictDoUpdate({
					target: [project_groups.project_id, project_groups.group_id],
					set: { access, updated_at },
				}),
			oneProjectGroup(ctx, project_id, group_id),
		],
		audit: [
			{
				action: 'project_group.put',
				object_type: 'Project',
				object_id: project_id,
				project_id,
				metadata: { group_id, group: name, access, before: before?.access ?? null },
			},
		],
	});
	return one(after, 'group');
}
