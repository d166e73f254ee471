import { and, asc, eq, isNotNull, inArray } from 'drizzle-orm';
import { jobs, runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { isDue } from './scheduled.ts';

/** The most cancels, and the most projects, one sweep looks at; what is left is for the next. */
const SWEEP_MAX = 500;

/**
 * Tells the rooms again that runs wait or are due, and the streams of every cancel that is pending. A hub that died between a commit and
 * its message loses nothing by this; what the other side knows already is no news to it.
 */
export async function sweepRuns(ctx: Ctx): Promise<void> {
	const open = inArray(runs.status, ['queued', 'running']);
	const [cancels, waiting, due] = await ctx.db.batch([
		ctx.db
			.select({ id: runs.id, project_id: runs.project_id })
			.from(runs)
			.where(and(open, isNotNull(runs.cancel_requested_at)))
			.orderBy(asc(runs.id))
			.limit(SWEEP_MAX),
		ctx.db
			.selectDistinct({ project_id: runs.project_id })
			.from(runs)
			.where(and(open, eq(runs.status, 'queued')))
			.limit(SWEEP_MAX),
		ctx.db
			.selectDistinct({ project_id: jobs.project_id })
			.from(jobs)
			.where(isDue(new Date(ctx.now()).toISOString()))
			.limit(SWEEP_MAX),
	]);
	const rooms = new Set([...waiting, ...due].map(({ project_id }) => project_id));
	await Promise.all([
		...cancels.map((run) => ctx.live.cancel(run)),
		...[...rooms].map((project_id) => ctx.live.look(project_id)),
	]);
}
