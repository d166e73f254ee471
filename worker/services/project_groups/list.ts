import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { Access } from '#domain/access.ts';
import { ListQuery } from '#domain/common.ts';
import type { ProjectGroup } from '#domain/group.ts';
import { groups, project_groups } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { selectProjectGroups } from './rows.ts';

export const ProjectGroupList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at'], 'name'),
	access: Access.optional(),
});

/** Which groups reach a project, and how far. */
export async function listProjectGroups(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof ProjectGroupList>,
): Promise<Page<ProjectGroup>> {
	const columns = { name: groups.name, created_at: project_groups.created_at };
	const { limit, orderBy, page, where } = keyset(query, columns, groups.id);
	const { rows } = await enter(ctx, 'project_group.list', inProject(project_id), [
		selectProjectGroups(ctx)
			.where(
				and(
					eq(project_groups.project_id, project_id),
					where,
					query.access && eq(project_groups.access, query.access),
					holds(groups.name, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
