import { and, asc, eq, isNotNull, inArray } from 'drizzle-orm';
import { runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** The most cancels, and the most projects, one sweep looks at; what is left is for the next. */
const SWEEP_MAX = 500;

/**
 * Tells the rooms again that runs wait, and the streams of every cancel that is pending. A hub that died between a commit and
 * its message loses nothing by this; what the other side knows already is no news to it.
 */
export async function sweepRuns(ctx: Ctx): Promise<void> {
	const open = inArray(runs.status, ['queued', 'running']);
	const [cancels, waiting] = await ctx.db.batch([
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
	]);
	await Promise.all([
		...cancels.map((run) => ctx.live.cancel(run)),
		...waiting.map(({ project_id }) => ctx.live.look(project_id)),
	]);
}
