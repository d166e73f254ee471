import { and, eq } from 'drizzle-orm';
import { project_groups } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { oneProjectGroup } from './rows.ts';

/** Takes a group's access to a project away. Who reached it through that alone is out at once. */
export async function deleteProjectGroup(ctx: Ctx, project_id: number, group_id: number): Promise<void> {
	const { actor, rows } = await enter(ctx, 'project_group.delete', inProject(project_id), [
		oneProjectGroup(ctx, project_id, group_id),
	]);
	const { name, access } = one(rows[0], 'group');
	await commit(ctx, actor, {
		statements: [
			ctx.db
				.delete(project_groups)
				.where(and(eq(project_groups.project_id, project_id), eq(project_groups.group_id, group_id))),
		],
		audit: [
			{
				action: 'project_group.delete',
				object_type: 'Project',
				object_id: project_id,
				project_id,
				metadata: { group_id, group: name, access },
			},
		],
	});
	ctx.after(ctx.live.rightsChanged([{ project_id, user_id: null }]));
}
