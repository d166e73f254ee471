import { eq } from 'drizzle-orm';
import type { User } from '#domain/user.ts';
import { users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter } from '../gate.ts';

export async function readUser(ctx: Ctx, id: number): Promise<User> {
	const { rows } = await enter(ctx, 'user.read', null, [ctx.db.select().from(users).where(eq(users.id, id))]);
	return one(rows[0], 'user');
}
