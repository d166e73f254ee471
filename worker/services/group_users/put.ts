import { eq, sql } from 'drizzle-orm';
import type { GroupUser, GroupUserPut } from '#domain/group.ts';
import { group_users, groups, users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter } from '../gate.ts';
import { stillAdmin } from '../users/rules.ts';
import { oneGroupUser } from './rows.ts';

/** Puts a person into a group, or changes what they are in it. Done twice it is done once. */
export async function putGroupUser(
	ctx: Ctx,
	group_id: number,
	user_id: number,
	{ role_in_group }: GroupUserPut,
): Promise<GroupUser> {
	const { actor, rows } = await enter(ctx, 'group_user.put', null, [
		ctx.db.select({ name: groups.name }).from(groups).where(eq(groups.id, group_id)),
		ctx.db.select({ username: users.username }).from(users).where(eq(users.id, user_id)),
		oneGroupUser(ctx, group_id, user_id),
	]);
	const { name } = one(rows[0], 'group');
	const { username } = one(rows[1], 'user');
	const [before] = rows[2];
	if (before?.role_in_group === role_in_group) return before;
	const { created_at, updated_at } = created(ctx);
	const [, after] = await commit(ctx, actor, {
		expect: [
			stillAdmin(actor),
			sql`exists (select 1 from groups where id = ${group_id})`,
			sql`exists (select 1 from users where id = ${user_id})`,
		],
		statements: [
			ctx.db
				.insert(group_users)
				.values({ group_id, user_id, role_in_group, created_at, updated_at })
				.onConflictDoUpdate({
					target: [group_users.group_id, group_users.user_id],
					set: { role_in_group, updated_at },
				}),
			oneGroupUser(ctx, group_id, user_id),
		],
		audit: [
			{
				action: 'group_user.put',
				object_type: 'Group',
				object_id: group_id,
				project_id: null,
				metadata: { name, user_id, username, role_in_group },
			},
		],
	});
	return one(after, 'user');
}
