import { and, eq } from 'drizzle-orm';
import { groups, project_groups } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { memberCount } from '../groups/rows.ts';

/** How groups reach projects. */
export const selectProjectGroups = (ctx: Ctx) =>
	ctx.db
		.select({
			id: groups.id,
			project_id: project_groups.project_id,
			name: groups.name,
			description: groups.description,
			members: memberCount,
			access: project_groups.access,
			created_at: project_groups.created_at,
			updated_at: project_groups.updated_at,
		})
		.from(project_groups)
		.innerJoin(groups, eq(groups.id, project_groups.group_id));

export const oneProjectGroup = (ctx: Ctx, project_id: number, group_id: number) =>
	selectProjectGroups(ctx).where(and(eq(project_groups.project_id, project_id), eq(project_groups.group_id, group_id)));
