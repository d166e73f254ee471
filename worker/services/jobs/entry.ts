import { eq, sql } from 'drizzle-orm';
import type { Event } from '#domain/event.ts';
import { events } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { changesOf, created, edited, isEmpty } from '../edit.ts';
import type { projectionOf } from './plan.ts';

/** The statement that makes a job's entry in the calendar what its plan says; it gives the entries that changed. */
export function moveEntry(
	ctx: Ctx,
	job: { id: number; project_id: number },
	projection: ReturnType<typeof projectionOf>,
	entry: Event | undefined,
) {
	if (projection === null) return ctx.db.delete(events).where(eq(events.job_id, job.id)).returning();
	if (entry && isEmpty(changesOf(entry, projection)))
		return ctx.db
			.select()
			.from(events)
			.where(sql`false`);
	return ctx.db
		.insert(events)
		.values({ ...projection, project_id: job.project_id, job_id: job.id, ...created(ctx) })
		.onConflictDoUpdate({
			target: events.job_id,
			targetWhere: sql`job_id is not null`,
			set: { ...projection, ...(entry && edited(ctx, entry)) },
		})
		.returning();
}
