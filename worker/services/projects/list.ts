import { and, eq, getTableColumns, gt, or } from 'drizzle-orm';
import { z } from 'zod';
import { type Access, accessOfRank } from '#domain/access.ts';
import { ListQuery } from '#domain/common.ts';
import { ProjectStatus, type ProjectView } from '#domain/project.ts';
import { projects } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf, enter, userId } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const ProjectList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at', 'updated_at'], 'name'),
	status: ProjectStatus.optional(),
});

/** The projects the person may see, with what they may do in each. */
export async function listProjects(ctx: Ctx, query: z.infer<typeof ProjectList>): Promise<Page<ProjectView>> {
	const rank = accessRankOf(userId(ctx), projects.id.getSQL());
	const { name, created_at, updated_at } = projects;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at, updated_at }, projects.id);
	const { rows } = await enter(ctx, 'project.list', null, [
		ctx.db
			.select({ ...getTableColumns(projects), rank })
			.from(projects)
			.where(
				and(
					gt(rank, 0),
					where,
					query.status && eq(projects.status, query.status),
					or(holds(projects.name, query.q), holds(projects.description, query.q)),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	const { items, next_cursor } = page(rows[0]);
	return { items: items.map(({ rank, ...project }) => ({ ...project, access: ranked(rank) })), next_cursor };
}

/** Only rows of a rank above none are read. */
const ranked = (rank: number): Access => accessOfRank(rank) ?? 'read';
