import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { events, jobs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Removes a job that never ran, and its entry in the calendar. What ran is history, and stays. */
export async function deleteJob(ctx: Ctx, id: number, version: number): Promise<void> {
	const hangs = sql<'runs' | 'incidents' | 'changes' | 'plans' | null>`(case
		when exists (select 1 from runs where job_id = ${id}) then 'runs'
		when exists (select 1 from incident_links where job_id = ${id}
			or event_id in (select events.id from events where events.job_id = ${id})) then 'incidents'
		when exists (select 1 from git_changes where job_id = ${id}) then 'changes'
		when exists (select 1 from terraform_plans where job_id = ${id}) then 'plans' end)`;
	const { actor, project, rows } = await enter(
		ctx,
		'job.delete',
		ofRow('job', id),
		[ctx.db.select().from(jobs).where(eq(jobs.id, id)), ctx.db.select({ hangs }).from(sql`(select 1)`)],
		([[job]]) => (job ? { job_type: job.job_type } : {}),
	);
	const before = one(rows[0], 'job');
	await assertFresh(ctx, 'Job', before, version);
	assertWritable(project);
	const [found] = rows[1];
	if (found?.hangs === 'runs') throw conflict('This job has runs: it stays. Cancel it instead.');
	if (found?.hangs === 'incidents') throw conflict('An incident is linked to this job: it stays. Cancel it instead.');
	if (found?.hangs) throw conflict(`There are ${found.hangs} linked to this job: unlink them first.`);

	const { project_id } = before;
	const [entries] = await commit(ctx, actor, {
		expect: [unchanged(jobs, before), sql`${hangs} is null`],
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
