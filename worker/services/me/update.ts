import { and, eq, sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { MePatch, User } from '#domain/user.ts';
import { users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, changesOf, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter, userId } from '../gate.ts';

/** What people change about themselves. Who sets an address is in the audit: one's own word finds nobody at a sign-in. */
export async function updateMe(ctx: Ctx, version: number, patch: z.infer<typeof MePatch>): Promise<User> {
	const { actor, rows } = await enter(ctx, 'me.update', null, [
		ctx.db
			.select()
			.from(users)
			.where(sql`${users.id} = ${userId(ctx)}`),
	]);
	const before = one(rows[0], 'user');
	await assertFresh(ctx, 'User', before, version);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(users, before)],
		statements: [
			ctx.db
				.update(users)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(users.id, before.id), eq(users.version, before.version)))
				.returning(),
		],
		audit: [editEntry('me.update', 'User', before, null, changes)],
	});
	return one(after, 'user');
}
