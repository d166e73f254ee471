import { sql } from 'drizzle-orm';
import type { JobCreate, JobView } from '#domain/job.ts';
import { lends } from '#domain/permissions.ts';
import { events, job_script_refs, jobs } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertBackend } from '../projects/backend.ts';
import { assertPlan, nextStart, projectionOf } from './plan.ts';
import { assertReferences, referenceQueries, stillReferred } from './references.ts';

/** A new job, with its entry in the calendar when it is planned. */
export async function createJob(ctx: Ctx, project_id: number, input: JobCreate): Promise<JobView> {
	assertPlan(input);
	assertBackend(ctx, input);
	const { actor, project, rows } = await enter(
		ctx,
		'job.create',
		inProject(project_id),
		referenceQueries(ctx, sql`${project_id}`, input),
		(_, actor) => ({
			job_type: input.job_type,
			lent: lends({ ...input, owner_id: input.owner_id ?? actor.id }, actor),
		}),
	);
	assertWritable(project);
	assertReferences(input, ...rows);

	const { script_ids, ...columns } = input;
	const job_id = sql<number>`${lastInserted('jobs')}`;
	const projection = projectionOf(input);
	const status = projection ? 'planned' : 'draft';
	const [madeJobs, madeEvents] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillReferred(project_id, input)],
		statements: [
			ctx.db
				.insert(jobs)
				.values({
					...columns,
					project_id,
					owner_id: input.owner_id ?? actor.id,
					status,
					next_start: nextStart({ ...input, status }, ctx.now()),
					...created(ctx),
				})
				.returning(),
			projection
				? ctx.db
						.insert(events)
						.values({ ...projection, project_id, job_id, ...created(ctx) })
						.returning()
				: ctx.db
						.select()
						.from(events)
						.where(sql`false`),
			...(script_ids.length > 0
				? [
						ctx.db
							.insert(job_script_refs)
							.values(script_ids.map((script_id, position) => ({ job_id, script_id, position }))),
					]
				: []),
		],
		audit: [
			{
				action: 'job.create',
				object_type: 'Job',
				object_id: lastInserted('jobs'),
				project_id,
				metadata: { title: input.title, job_type: input.job_type, script_ids },
			},
		],
	});
	const job: JobView = { ...one(madeJobs, 'job'), script_ids };
	ctx.after(
		ctx.live.changed([
			{ project_id, entity: 'job', id: job.id, row: job },
			...madeEvents.map((row) => ({ project_id, entity: 'event' as const, id: row.id, row })),
		]),
	);
	return job;
}
