import { and, eq, gt, sql } from 'drizzle-orm';
import { sessions, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf } from '../gate.ts';

/** Those of these sessions that still stand, of people who are active, each with whether they may still see the project. */
export async function stillAllowed(
	ctx: Ctx,
	project_id: number,
	ids: readonly number[],
): Promise<Map<number, boolean>> {
	const rows = await ctx.db
		.select({ id: sessions.id, rank: accessRankOf(sql`${users.id}`, sql`${project_id}`) })
		.from(sessions)
		.innerJoin(users, eq(users.id, sessions.user_id))
		.where(
			and(
				// One parameter, however many there are.
				sql`${sessions.id} in (select value from json_each(${JSON.stringify(ids)}))`,
				gt(sessions.expires_at, new Date(ctx.now()).toISOString()),
				eq(users.is_active, true),
			),
		);
	return new Map(rows.map(({ id, rank }) => [id, rank > 0]));
}
