import { eq } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, one, unchanged } from '../edit.ts';
import { enter } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import { free, hanging, keepAnAdmin, otherAdmins, stillAdmin } from './rules.ts';

/** Removes a person who left no trace, such as one made by mistake. Whoever did something is deactivated instead: history keeps its names. */
export async function deleteUser(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, rows } = await enter(ctx, 'user.delete', null, [
		ctx.db.select().from(users).where(eq(users.id, id)),
		otherAdmins(ctx, id),
		hanging(ctx, id),
	]);
	const before = one(rows[0], 'user');
	await assertFresh(ctx, 'User', before, version);
	const admins = keepAnAdmin(before, null, rows[1]);
	const named = Object.entries(rows[2][0] ?? {}).flatMap(([column, found]) => (found ? [column] : []));
	if (named.length > 0)
		throw conflict(`${before.username} is named in ${named.join(', ')}: deactivate the account instead.`);

	const [watched] = await commit(ctx, actor, {
		expect: [stillAdmin(actor), unchanged(users, before), ...admins, free(id)],
		statements: [watchedBy(ctx, id), ctx.db.delete(users).where(eq(users.id, id))],
		audit: [
			{
				action: 'user.delete',
				object_type: 'User',
				object_id: id,
				project_id: null,
				metadata: { username: before.username, role: before.role },
			},
		],
	});
	tellRooms(ctx, watched);
}
