import { and, eq, inArray, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { isFinal, type Run } from '#domain/run.ts';
import { runs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Asks for a run to be stopped. It is shown as canceled only when the agent says so. */
export async function cancelRun(ctx: Ctx, id: number): Promise<Run> {
	const { actor, rows } = await enter(
		ctx,
		'run.cancel',
		ofRow('run', id),
		[ctx.db.select().from(runs).where(eq(runs.id, id))],
		([[run]], actor) => ({ own_run: run?.triggered_by_id === actor.id }),
	);
	const before = one(rows[0], 'run');
	if (isFinal(before.status)) throw conflict(`The run is over: ${before.status}.`);
	const { project_id } = before;
	if (before.cancel_requested_at !== null) {
		ctx.after(ctx.live.cancel({ id, project_id }));
		return before;
	}
	const now = new Date(ctx.now()).toISOString();
	const open = inArray(runs.status, ['queued', 'running']);
	const [after] = await commit(ctx, actor, {
		expect: [sql`exists (select 1 from runs where ${runs.id} = ${id} and ${open})`],
		statements: [
			ctx.db
				.update(runs)
				.set({ cancel_requested_at: now, updated_at: now, version: sql`version + 1` })
				.where(and(eq(runs.id, id), open))
				.returning(),
		],
		audit: [{ action: 'run.cancel', object_type: 'Run', object_id: id, project_id }],
	});
	const run = one(after, 'run');
	ctx.after(ctx.live.cancel({ id, project_id }));
	ctx.after(ctx.live.changed([{ project_id, entity: 'run', id, row: run }]));
	return run;
}
