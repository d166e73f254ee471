import { and, eq, gt, sql, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { type Proof, proofKey } from '#domain/proof.ts';
import { api_tokens, sessions, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf } from '../gate.ts';

/** Who still holds these sessions and tokens may still see the project. */
export const stillAllowed = (ctx: Ctx, project_id: number, proofs: readonly Proof[]): Promise<Map<string, boolean>> =>
	standing(ctx, proofs, accessRankOf(sql`${users.id}`, sql`${project_id}`));

/** Who still holds them is an admin. */
export const stillAdmins = (ctx: Ctx, proofs: readonly Proof[]): Promise<Map<string, boolean>> =>
	standing(ctx, proofs, sql<number>`${users.role} = 'admin'`);

/** Those of these sessions and tokens that still stand, of people who are active, each with whether `rank` is more than 0 for its person. */
async function standing(ctx: Ctx, proofs: readonly Proof[], rank: SQL<number>): Promise<Map<string, boolean>> {
	const among = (kind: Proof['kind'], id: SQLiteColumn) =>
		// One parameter, however many there are.
		sql`${id} in (select value from json_each(${JSON.stringify(proofs.filter((p) => p.kind === kind).map((p) => p.id))}))`;
	const now = new Date(ctx.now()).toISOString();
	const [bySession, byToken] = await ctx.db.batch([
		ctx.db
			.select({ id: sessions.id, rank: rank.as('rank') })
			.from(sessions)
			.innerJoin(users, eq(users.id, sessions.user_id))
			.where(and(among('session', sessions.id), gt(sessions.expires_at, now), eq(users.is_active, true))),
		ctx.db
			.select({ id: api_tokens.id, rank: rank.as('rank') })
			.from(api_tokens)
			.innerJoin(users, eq(users.id, api_tokens.user_id))
			.where(and(among('token', api_tokens.id), gt(api_tokens.expires_at, now), eq(users.is_active, true))),
	]);
	return new Map([
		...bySession.map(({ id, rank }) => [proofKey({ kind: 'session', id }), rank > 0] as const),
		...byToken.map(({ id, rank }) => [proofKey({ kind: 'token', id }), rank > 0] as const),
	]);
}
