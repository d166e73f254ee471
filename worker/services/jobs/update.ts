import { and, eq, sql } from 'drizzle-orm';
import { can, lends } from '#domain/permissions.ts';
import { conflict, forbidden } from '#domain/errors.ts';
import type { Job, JobPatch, JobView } from '#domain/job.ts';
import { events, job_script_refs, jobs, runs } from '../../db/client.ts';
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
import { enter, ofRow } from '../gate.ts';
import { omit } from '../omit.ts';
import { assertBackend } from '../projects/backend.ts';
import { moveEntry } from './entry.ts';
import { assertPlan, nextStart, projectionOf, replanned, statusAfter } from './plan.ts';
import { assertReferences, referenceQueries, stillReferred } from './references.ts';
import { jobQueries, viewOf } from './rows.ts';

/** Edits a job; its entry in the calendar moves, comes and goes with its plan, in the same commit. */
export async function updateJob(ctx: Ctx, id: number, version: number, patch: JobPatch): Promise<JobView> {
	const linked = sql<number>`exists (select 1 from incident_links where event_id in (select events.id from events where events.job_id = ${id}))`;
	const { access, actor, project, rows } = await enter(
		ctx,
		'job.update',
		ofRow('job', id),
		[
			...jobQueries(ctx, id),
			...referenceQueries(ctx, sql`(select project_id from jobs where id = ${id})`, patch),
			ctx.db.select().from(events).where(eq(events.job_id, id)),
			ctx.db.select({ linked }).from(sql`(select 1)`),
		],
		([[job]]) => (job ? { job_type: job.job_type } : {}),
	);
	const [found, scripts, environment, people, scriptRefs, inventory, [entry], [held]] = rows;
	const before = viewOf(found, scripts);
	await assertFresh(ctx, 'Job', before, version);
	assertWritable(project);
	assertReferences(patch, environment, people, scriptRefs, inventory);

	const wanted = { ...before, ...defined(patch) };
	const verdict = can(actor, 'job.update', { access, job_type: wanted.job_type, lent: lends(wanted, actor) });
	if (!verdict.allowed) throw forbidden(verdict.missing);
	assertPlan(wanted);
	assertBackend(ctx, wanted);
	const status = statusAfter(before, wanted, patch.status);
	const next = { ...wanted, status, next_start: nextStartAfter(ctx, before, { ...wanted, status }, patch) };
	const changes = changesOf(before, next);
	if (isEmpty(changes)) return before;

	const { script_ids } = next;
	const columns = omit(defined(patch), 'script_ids');
	const { project_id } = before;
	const projection = projectionOf(next);
	if (projection === null && held?.linked)
		throw conflict(
			"An incident is linked to this job's entry in the calendar: unlink it to take the job out of the plan.",
		);
	const [after, moved] = await commit(ctx, actor, {
		expect: [
			unchanged(jobs, before),
			...stillReferred(project_id, patch),
			...(projection === null ? [sql`not ${linked}`] : []),
		],
		statements: [
			ctx.db
				.update(jobs)
				.set({
					...columns,
					next_start: next.next_start,
					...('status' in changes && { status }),
					...edited(ctx, before),
				})
				.where(and(eq(jobs.id, id), eq(jobs.version, before.version)))
				.returning(),
			moveEntry(ctx, before, projection, entry),
			// What waits already goes by them too.
			...('priority' in changes || 'labels' in changes
				? [
						ctx.db
							.update(runs)
							.set({ priority: next.priority, labels: next.labels })
							.where(and(eq(runs.job_id, id), eq(runs.status, 'queued'))),
					]
				: []),
			...('script_ids' in changes ? [ctx.db.delete(job_script_refs).where(eq(job_script_refs.job_id, id))] : []),
			...('script_ids' in changes && script_ids.length > 0
				? [
						ctx.db
							.insert(job_script_refs)
							.values(script_ids.map((script_id, position) => ({ job_id: id, script_id, position }))),
					]
				: []),
		],
		audit: [editEntry('job.update', 'Job', before, project_id, changes)],
	});
	const job: JobView = { ...one(after, 'job'), script_ids };
	if ('priority' in changes || 'labels' in changes) ctx.after(ctx.live.look(project_id));
	ctx.after(
		ctx.live.changed([
			{ project_id, entity: 'job', id, row: job },
			...moved.map((row) => ({ project_id, entity: 'event' as const, id: row.id, row: projection ? row : null })),
		]),
	);
	return job;
}

/** When it starts by itself next: who called it off by hand called all of it off, and a run that was canceled nothing but itself. */
function nextStartAfter(ctx: Ctx, before: Job, next: Job, { status }: JobPatch): Job['next_start'] {
	const asked = status !== before.status ? status : undefined;
	if (asked === 'draft' || asked === 'canceled') return null;
	if (asked === undefined && before.auto_start === next.auto_start && !replanned(before, next))
		return before.next_start;
	return nextStart(next, ctx.now());
}
