import { and, eq } from 'drizzle-orm';
import { group_users, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** People in groups, as admins see them. */
export const selectGroupUsers = (ctx: Ctx) =>
	ctx.db
		.select({
			id: users.id,
			username: users.username,
			display_name: users.display_name,
			is_active: users.is_active,
			group_id: group_users.group_id,
			role_in_group: group_users.role_in_group,
			created_at: group_users.created_at,
			updated_at: group_users.updated_at,
		})
		.from(group_users)
		.innerJoin(users, eq(users.id, group_users.user_id));

export const oneGroupUser = (ctx: Ctx, group_id: number, user_id: number) =>
	selectGroupUsers(ctx).where(and(eq(group_users.group_id, group_id), eq(group_users.user_id, user_id)));
