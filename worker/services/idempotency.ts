import { and, eq, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { idempotency_keys } from '../db/client.ts';
import type { Ctx } from './context.ts';
import { userId } from './gate.ts';

const Answer = z.object({ status: z.literal([200, 201, 202]), body: z.record(z.string(), z.unknown()) });
type Answer = z.infer<typeof Answer>;

const claim = (ctx: Ctx, key: string) =>
	and(eq(idempotency_keys.user_id, sql`${userId(ctx)}`), eq(idempotency_keys.key, key));

/** Keeps what the request that claimed the key was answered, once. A request that changed nothing has claimed none. */
export async function keepAnswer(
	ctx: Ctx,
	{ key, request_hash }: NonNullable<Ctx['idempotency']>,
	answer: { status: number; body: object },
): Promise<void> {
	await ctx.db
		.update(idempotency_keys)
		.set({ status: answer.status, answer: JSON.stringify(answer.body) })
		.where(and(claim(ctx, key), eq(idempotency_keys.request_hash, request_hash), isNull(idempotency_keys.answer)));
}

/** A request that was carried out, what it made or changed, and its answer once that is known. */
type Earlier = Pick<typeof idempotency_keys.$inferSelect, 'request_hash' | 'object_type' | 'object_id'> & {
	answer: Answer | null;
};

/** The person's earlier request with this key; null: there was none. */
export async function earlierAnswer(ctx: Ctx, key: string): Promise<Earlier | null> {
	const [found] = await ctx.db.select().from(idempotency_keys).where(claim(ctx, key));
	if (!found) return null;
	const { request_hash, object_type, object_id } = found;
	return {
		...{ request_hash, object_type, object_id },
		answer: found.answer === null ? null : Answer.parse({ status: found.status, body: JSON.parse(found.answer) }),
	};
}
