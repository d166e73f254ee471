import { and, eq, or, sql } from 'drizzle-orm';
import type { ApiToken } from '#domain/token.ts';
import { api_tokens } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { asAdmin, enter, userId } from '../gate.ts';
import { shown } from './rows.ts';

/** One's own; an admin's also anybody's. */
export const tokenQuery = (ctx: Ctx, id: number) =>
	ctx.db
		.select(shown)
		.from(api_tokens)
		.where(and(eq(api_tokens.id, id), or(sql`${api_tokens.user_id} = ${userId(ctx)}`, asAdmin(ctx))));

export async function readToken(ctx: Ctx, id: number): Promise<ApiToken> {
	const { rows } = await enter(ctx, 'token.read', null, [tokenQuery(ctx, id)]);
	return one(rows[0], 'token');
}
