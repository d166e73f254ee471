import { and, eq, gt, sql } from 'drizzle-orm';
import { sessions, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf } from '../gate.ts';

/** Which of these sessions still stand, of people who are active and may still see the project. */
export async function stillAllowed(ctx: Ctx, project_id: number, ids: readonly number[]): Promise<Set<number>> {
	const rows = await ctx.db
		.select({ id: sessions.id })
		.from(sessions)
		.innerJoin(users, eq(users.id, sessions.user_id))
		.where(
			and(
				// One parameter, however many there are.
				sql`${sessions.id} in (select value from json_each(${JSON.stringify(ids)}))`,
				gt(sessions.expires_at, new Date(ctx.now()).toISOString()),
				eq(users.is_active, true),
				sql`${accessRankOf(sql`${users.id}`, sql`${project_id}`)} > 0`,
			),
		);
	return new Set(rows.map(({ id }) => id));
}
