import { and, gt, sql } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import type { SessionView } from '#domain/user.ts';
import { sessions } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, userId } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const SessionList = z.strictObject({ ...ListQuery, sort: sortBy(['created_at'], '-created_at') });

/** Where a person is signed in. Never the tokens. */
export async function listSessions(ctx: Ctx, query: z.infer<typeof SessionList>): Promise<Page<SessionView>> {
	const { limit, orderBy, page, where } = keyset(query, { created_at: sessions.created_at }, sessions.id);
	const mine = ctx.credential.kind === 'session' ? ctx.credential.hash : '';
	const { id, created_at, expires_at, ip, user_agent } = sessions;
	const { rows } = await enter(ctx, 'session.list', null, [
		ctx.db
			.select({ id, created_at, expires_at, ip, user_agent, current: sql<number>`${sessions.token_hash} = ${mine}` })
			.from(sessions)
			.where(
				and(
					sql`${sessions.user_id} = ${userId(ctx)}`,
					gt(expires_at, new Date(ctx.now()).toISOString()),
					where,
					holds(user_agent, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	const { items, next_cursor } = page(rows[0]);
	return { items: items.map((session) => ({ ...session, current: session.current === 1 })), next_cursor };
}
