import { sql } from 'drizzle-orm';
import type { User } from '#domain/user.ts';
import { users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, userId } from '../gate.ts';

/** The one who asks. */
export async function readMe(ctx: Ctx): Promise<User> {
	const { rows } = await enter(ctx, 'me.read', null, [
		ctx.db
			.select()
			.from(users)
			.where(sql`${users.id} = ${userId(ctx)}`),
	]);
	return one(rows[0], 'user');
}
