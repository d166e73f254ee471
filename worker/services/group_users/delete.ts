import { and, eq } from 'drizzle-orm';
import { group_users, groups } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import { stillAdmin } from '../users/rules.ts';
import { oneGroupUser } from './rows.ts';

/** Takes a person out of a group. What they could see through it alone is closed to them at once. */
export async function deleteGroupUser(ctx: Ctx, group_id: number, user_id: number): Promise<void> {
	const { actor, rows } = await enter(ctx, 'group_user.delete', null, [
		ctx.db.select({ name: groups.name }).from(groups).where(eq(groups.id, group_id)),
		oneGroupUser(ctx, group_id, user_id),
	]);
	const { name } = one(rows[0], 'group');
	const { username } = one(rows[1], 'member');
	const [watched] = await commit(ctx, actor, {
		expect: [stillAdmin(actor)],
		statements: [
			watchedBy(ctx, user_id),
			ctx.db.delete(group_users).where(and(eq(group_users.group_id, group_id), eq(group_users.user_id, user_id))),
		],
		audit: [
			{
				action: 'group_user.delete',
				object_type: 'Group',
				object_id: group_id,
				project_id: null,
				metadata: { name, user_id, username },
			},
		],
	});
	tellRooms(ctx, watched);
}
