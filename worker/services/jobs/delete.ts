import { eq, sql } from 'drizzle-orm';
import { events, jobs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertNothingHangs, hangingOn } from '../hanging.ts';

/** Removes a job that never ran, and its entry in the calendar. What ran is history, and stays. */
export async function deleteJob(ctx: Ctx, id: number, version: number): Promise<void> {
	const linked = sql`(select count(*) from incident_links where job_id = ${id}
		or event_id in (select events.id from events where events.job_id = ${id}))`;
	const { counts, none } = hangingOn(jobs, id, { also: { incident_links: linked } });
	const { actor, project, rows } = await enter(
		ctx,
		'job.delete',
		ofRow('job', id),
		[ctx.db.select().from(jobs).where(eq(jobs.id, id)), ctx.db.select({ counts }).from(sql`(select 1)`)],
		([[job]]) => (job ? { job_type: job.job_type } : {}),
	);
	const before = one(rows[0], 'job');
	await assertFresh(ctx, 'Job', before, version);
	assertWritable(project);
	assertNothingHangs('job', rows[1][0]?.counts, 'Cancel it instead.');

	const { project_id } = before;
	const [entries] = await commit(ctx, actor, {
		expect: [unchanged(jobs, before), none],
		statements: [
			ctx.db.delete(events).where(eq(events.job_id, id)).returning({ id: events.id }),
			ctx.db.delete(jobs).where(eq(jobs.id, id)),
		],
		audit: [{ action: 'job.delete', object_type: 'Job', object_id: id, project_id, metadata: { title: before.title } }],
	});
	ctx.after(
		ctx.live.changed([
			{ project_id, entity: 'job', id, row: null },
			...entries.map((entry) => ({ project_id, entity: 'event' as const, id: entry.id, row: null })),
		]),
	);
}
