import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { second_factors, users } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter } from '../gate.ts';
import { withoutFactor } from './disable.ts';

/** An admin takes somebody's second factor away: their authenticator is lost. They come in without a code, and can set up another. */
export async function resetSecondFactor(ctx: Ctx, user_id: number): Promise<void> {
	const { actor, rows } = await enter(ctx, 'second_factor.reset', null, [
		ctx.db.select({ id: users.id }).from(users).where(eq(users.id, user_id)),
		ctx.db.select({ secret: second_factors.secret }).from(second_factors).where(eq(second_factors.user_id, user_id)),
	]);
	one(rows[0], 'user');
	const [factor] = rows[1];
	if (!factor) throw conflict('This person has no second factor.');
	await commit(ctx, actor, {
		expect: [sql`exists (select 1 from second_factors where user_id = ${user_id} and secret = ${factor.secret})`],
		statements: withoutFactor(ctx, user_id),
		audit: [{ action: 'second_factor.reset', object_type: 'User', object_id: user_id, project_id: null }],
	});
}
