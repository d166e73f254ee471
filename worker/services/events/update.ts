import { and, eq, sql } from 'drizzle-orm';
import type { Access } from '#domain/access.ts';
import { forbidden, invalid } from '#domain/errors.ts';
import type { Event, EventPatch } from '#domain/event.ts';
import type { Job } from '#domain/job.ts';
import { can, lends } from '#domain/permissions.ts';
import { events, jobs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import {
	assertFresh,
	assertWritable,
	changesOf,
	defined,
	edited,
	editEntry,
	isEmpty,
	one,
	unchanged,
} from '../edit.ts';
import { enter, ofRow, type UserActor } from '../gate.ts';
import { nextStart, statusAfter } from '../jobs/plan.ts';
import { assertSeries, recursUntil } from '../series.ts';
import { assertLength } from './length.ts';
import { assertReferences, referenceQueries, stillReferred } from './references.ts';

/** Edits an entry of the calendar. A job's projection can only be moved, and the job moves with it in the same commit. */
export async function updateEvent(ctx: Ctx, id: number, version: number, patch: EventPatch): Promise<Event> {
	const { access, actor, project, rows } = await enter(ctx, 'event.update', ofRow('event', id), [
		ctx.db.select().from(events).where(eq(events.id, id)),
		ctx.db
			.select()
			.from(jobs)
			.where(sql`${jobs.id} = (select job_id from events where id = ${id})`),
		...referenceQueries(ctx, sql`(select project_id from events where id = ${id})`, patch),
	]);
	const [found, [job], environment, people] = rows;
	const before = one(found, 'event');
	await assertFresh(ctx, 'Event', before, version);
	assertWritable(project);
	assertReferences(patch, environment, people);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;
	if (job) assertMove(actor, access, job, Object.keys(changes));
	const next = { ...before, ...defined(patch) };
	assertLength(next);
	assertSeries(next);

	const { project_id } = before;
	const plan = job && planAfter(ctx, job, patch);
	const [after, moved] = await commit(ctx, actor, {
		expect: [unchanged(events, before), ...(job ? [unchanged(jobs, job)] : []), ...stillReferred(project_id, patch)],
		statements: [
			ctx.db
				.update(events)
				.set({ ...patch, recurs_until: recursUntil(next), ...edited(ctx, before) })
				.where(and(eq(events.id, id), eq(events.version, before.version)))
				.returning(),
			job
				? ctx.db
						.update(jobs)
						.set({ ...plan, ...edited(ctx, job) })
						.where(and(eq(jobs.id, job.id), eq(jobs.version, job.version)))
						.returning()
				: ctx.db
						.select()
						.from(jobs)
						.where(sql`false`),
		],
		audit: [
			editEntry('event.update', 'Event', before, project_id, changes),
			...(job ? [editEntry('job.update', 'Job', job, project_id, changesOf(job, plan ?? {}))] : []),
		],
	});
	const event = one(after, 'event');
	ctx.after(
		ctx.live.changed([
			{ project_id, entity: 'event', id, row: event },
			...moved.map((row) => ({ project_id, entity: 'job' as const, id: row.id, row })),
		]),
	);
	return event;
}

/** What a moved entry makes of its job. */
function planAfter(
	ctx: Ctx,
	job: Job,
	patch: EventPatch,
): Pick<Job, 'planned_start' | 'planned_end' | 'status' | 'next_start'> {
	const plan = {
		planned_start: patch.start ?? job.planned_start,
		planned_end: patch.end === undefined ? job.planned_end : patch.end,
	};
	const status = statusAfter(job, { ...job, ...plan });
	const moved = plan.planned_start !== job.planned_start;
	return { ...plan, status, next_start: moved ? nextStart({ ...job, ...plan, status }, ctx.now()) : job.next_start };
}

/** Moving a job's entry is editing the job: the same right is needed, and nothing else of the entry is its own. */
function assertMove(actor: UserActor, access: Access | null, job: Job, fields: string[]): void {
	const other = fields.find((field) => field !== 'start' && field !== 'end');
	if (other !== undefined) throw invalid(other, "this entry is a job's: only start and end can be changed here");
	const verdict = can(actor, 'job.update', { access, job_type: job.job_type, lent: lends(job, actor) });
	if (!verdict.allowed) throw forbidden(verdict.missing);
}
