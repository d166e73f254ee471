import { asc, inArray } from 'drizzle-orm';
import { runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** The most runs one sweep looks at; what is left is for the next. */
const SWEEP_MAX = 500;

/**
 * Tells the rooms again of every run that waits, and the streams of every cancel that is pending. A hub that died between a
 * commit and its message loses nothing by this; what the other side knows already is no news to it.
 */
export async function sweepRuns(ctx: Ctx): Promise<void> {
	const open = await ctx.db
		.select({
			id: runs.id,
			project_id: runs.project_id,
			status: runs.status,
			cancel_requested_at: runs.cancel_requested_at,
		})
		.from(runs)
		.where(inArray(runs.status, ['queued', 'running']))
		.orderBy(asc(runs.id))
		.limit(SWEEP_MAX);
	await Promise.all(
		open.map(async ({ id, project_id, status, cancel_requested_at }) => {
			if (cancel_requested_at !== null) await ctx.live.cancel({ id, project_id });
			else if (status === 'queued') await ctx.live.queued({ id, project_id });
		}),
	);
}
