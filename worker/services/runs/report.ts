import { and, eq, inArray } from 'drizzle-orm';
import { isRequest } from '#domain/backend.ts';
import { DomainError, notFound } from '#domain/errors.ts';
import type { Reported, RunCallback } from '#domain/run-callback.ts';
import { runs } from '../../db/client.ts';
import { assertWithin, countAttempt, uncount } from '../attempts.ts';
import type { Ctx } from '../context.ts';

/** The run's stream, which knows its token. */
export type Report = (run_id: number, callback: RunCallback) => Promise<Reported>;

/** What is said of a run where it was asked for, by who was given its token: nobody else is told whether there is such a run. */
export async function reportRun(ctx: Ctx, report: Report, id: number, callback: RunCallback): Promise<void> {
	const limit = { subject: `callback:${ctx.ip ?? ''}`, max: 100 };
	const [[counted], [run]] = await ctx.db.batch([
		countAttempt(ctx, limit),
		ctx.db
			.select({ backend: runs.backend })
			.from(runs)
			// The record may be a moment behind.
			.where(and(eq(runs.id, id), inArray(runs.status, ['queued', 'running']))),
	]);
	assertWithin(ctx, limit, counted);
	const reported = run && isRequest(run.backend) ? await report(id, callback) : 'void';
	if (reported === 'void') throw notFound('callback');
	await uncount(ctx, limit);
	if (reported === 'too_many')
		throw new DomainError('too_many', 'Too many callbacks of this run. Wait a moment.', { retry_after_s: 1 });
}
