import { sql } from 'drizzle-orm';
import { DomainError } from '#domain/errors.ts';
import { login_attempts } from '../db/client.ts';
import type { Ctx } from './context.ts';

/** A window of attempts, and how many of a subject it lets through. */
const WINDOW_MS = 15 * 60_000;

export interface Limit {
	/** `user:<name>`, `ip:<address>`, `enrol:<address>`. */
	subject: string;
	max: number;
}

/**
 * Counts one attempt before it is made, so that a thousand at once cannot all find the counter low. Gives the statement, for a batch;
 * `assertWithin` reads its result.
 */
export const countAttempt = (ctx: Ctx, { subject, max }: Limit) => {
	const now = ctx.now();
	return ctx.db
		.insert(login_attempts)
		.values({ subject, count: 1, window_start: new Date(now).toISOString() })
		.onConflictDoUpdate({
			target: login_attempts.subject,
			set: {
				count: sql`case when window_start <= ${now - WINDOW_MS} then 1 else min(count, ${max}) + 1 end`,
				window_start: sql`case when window_start <= ${now - WINDOW_MS} then ${now} else window_start end`,
			},
		})
		.returning();
};

/** Throws `too_many`, with the seconds to wait, when the counted attempt is over the limit. */
export function assertWithin(
	ctx: Ctx,
	{ max }: Limit,
	counted: { count: number; window_start: string } | undefined,
): void {
	if (!counted || counted.count <= max) return;
	const wait = Date.parse(counted.window_start) + WINDOW_MS - ctx.now();
	throw new DomainError('too_many', 'Too many attempts. Wait a while.', {
		retry_after_s: Math.max(1, Math.ceil(wait / 1000)),
	});
}

/** Takes back one counted attempt: it succeeded. */
export const uncount = (ctx: Ctx, { subject }: Limit) =>
	ctx.db
		.update(login_attempts)
		.set({ count: sql`max(count - 1, 0)` })
		.where(sql`subject = ${subject}`);

/** Windows that are over, for the hub's tidying. */
export const overWindows = (ctx: Ctx) =>
	ctx.db.delete(login_attempts).where(sql`window_start <= ${ctx.now() - WINDOW_MS}`);
