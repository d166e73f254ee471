import { and, eq } from 'drizzle-orm';
import type { User, UserPatch } from '#domain/user.ts';
import { api_tokens, feeds, sessions, users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, changesOf, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter } from '../gate.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import { keepAnAdmin, otherAdmins, stillAdmin } from './rules.ts';

/** An admin edits a person. Deactivated, they have no session, no token and no calendar address from here on, and their sockets close. */
export async function updateUser(ctx: Ctx, id: number, version: number, patch: UserPatch): Promise<User> {
	const { actor, rows } = await enter(ctx, 'user.update', null, [
		ctx.db.select().from(users).where(eq(users.id, id)),
		otherAdmins(ctx, id),
	]);
	const before = one(rows[0], 'user');
	await assertFresh(ctx, 'User', before, version);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	const after: Partial<User> = {
		...(patch.role && { role: patch.role }),
		...(patch.is_active !== undefined && { is_active: patch.is_active }),
	};
	const leaves = changes.is_active?.to === false;

	const [watched, , , , updated] = await commit(ctx, actor, {
		expect: [stillAdmin(actor), unchanged(users, before), ...keepAnAdmin(before, after, rows[1])],
		statements: [
			watchedBy(ctx, id),
			ctx.db.delete(sessions).where(eq(sessions.user_id, leaves ? id : 0)),
			ctx.db.delete(api_tokens).where(eq(api_tokens.user_id, leaves ? id : 0)),
			ctx.db.delete(feeds).where(eq(feeds.user_id, leaves ? id : 0)),
			ctx.db
				.update(users)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(users.id, id), eq(users.version, before.version)))
				.returning(),
		],
		audit: [editEntry('user.update', 'User', before, null, changes)],
	});
	if (changes.role || leaves) tellRooms(ctx, watched);
	return one(updated, 'user');
}
