import { and, eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { idempotency_keys } from '../db/client.ts';
import type { Ctx } from './context.ts';
import { userId } from './gate.ts';

const Answer = z.object({ status: z.literal([200, 201, 202]), body: z.record(z.string(), z.unknown()) });
type Answer = z.infer<typeof Answer>;

const claim = (ctx: Ctx, key: string) =>
	and(eq(idempotency_keys.user_id, sql`${userId(ctx)}`), eq(idempotency_keys.key, key));

/** Keeps what the request that claimed the key was answered. */
export async function keepAnswer(ctx: Ctx, key: string, answer: { status: number; body: object }): Promise<void> {
	await ctx.db
		.update(idempotency_keys)
		.set({ status: answer.status, answer: JSON.stringify(answer.body) })
		.where(claim(ctx, key));
}

/** What the person's earlier request with this key was, and its answer once that is known; null: there was none. */
export async function earlierAnswer(
	ctx: Ctx,
	key: string,
): Promise<{ request_hash: string; answer: Answer | null } | null> {
	const [found] = await ctx.db.select().from(idempotency_keys).where(claim(ctx, key));
	if (!found) return null;
	return {
		request_hash: found.request_hash,
		answer: found.answer === null ? null : Answer.parse({ status: found.status, body: JSON.parse(found.answer) }),
	};
}
