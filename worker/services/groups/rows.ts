import { getTableColumns, sql } from 'drizzle-orm';
import { groups } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** How many people are in the group of that id, as SQL. */
export const memberCount = sql<number>`(select count(*) from group_users gu where gu.group_id = ${groups.id})`;

/** Groups as people see them. */
export const selectGroups = (ctx: Ctx) =>
	ctx.db
		.select({
			...getTableColumns(groups),
			members: memberCount,
			projects: sql<number>`(select count(*) from project_groups pg where pg.group_id = ${groups.id})`,
		})
		.from(groups);
