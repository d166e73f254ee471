import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { events } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertNothingHangs, hangingOn } from '../hanging.ts';

/** Removes an entry of the calendar. A job's goes with the job's plan. */
export async function deleteEvent(ctx: Ctx, id: number, version: number): Promise<void> {
	const { counts, none } = hangingOn(events, id);
	const { actor, project, rows } = await enter(ctx, 'event.delete', ofRow('event', id), [
		ctx.db.select().from(events).where(eq(events.id, id)),
		ctx.db.select({ counts }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'event');
	await assertFresh(ctx, 'Event', before, version);
	assertWritable(project);
	if (before.job_id !== null) throw conflict("This entry is a job's: set the job's planned_start to null instead.");
	assertNothingHangs('entry', rows[1][0]?.counts, 'It stays, or is unlinked first.');

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(events, before), none],
		statements: [ctx.db.delete(events).where(eq(events.id, id))],
		audit: [
			{ action: 'event.delete', object_type: 'Event', object_id: id, project_id, metadata: { title: before.title } },
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'event', id, row: null }]));
}
