import { and, eq, or } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import type { GroupUser } from '#domain/group.ts';
import { group_users, groups, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { selectGroupUsers } from './rows.ts';

export const GroupUserList = z.strictObject({ ...ListQuery, sort: sortBy(['username', 'created_at'], 'username') });

/** Who is in a group. */
export async function listGroupUsers(
	ctx: Ctx,
	group_id: number,
	query: z.infer<typeof GroupUserList>,
): Promise<Page<GroupUser>> {
	const { username, display_name } = users;
	const { limit, orderBy, page, where } = keyset(query, { username, created_at: group_users.created_at }, users.id);
	const { rows } = await enter(ctx, 'group_user.list', null, [
		ctx.db.select({ id: groups.id }).from(groups).where(eq(groups.id, group_id)),
		selectGroupUsers(ctx)
			.where(
				and(
					eq(group_users.group_id, group_id),
					where,
					or(holds(username, query.q), holds(display_name, query.q), holds(group_users.role_in_group, query.q)),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	one(rows[0], 'group');
	return page(rows[1]);
}
