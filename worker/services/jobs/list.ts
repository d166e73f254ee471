import { and, eq, getTableColumns, inArray, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type JobItem, JobStatus, JobType, Priority } from '#domain/job.ts';
import { jobs } from '../../db/client.ts';
import { bound } from '../../db/planned.ts';
import { type TextOf, textOf } from '../../db/row-text.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject, visibleProjects } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { omit } from '../omit.ts';

export const JobList = z.strictObject({
	...ListQuery,
	sort: sortBy(['created_at', 'updated_at', 'title'], '-created_at'),
	status: JobStatus.optional(),
	job_type: JobType.optional(),
	priority: Priority.optional(),
	environment_id: z.coerce.number().pipe(Id).optional(),
	owner_id: z.coerce.number().pipe(Id).optional(),
});

const row = textOf(
	omit(getTableColumns(jobs), 'retry', 'parameters_schema', 'arguments', 'targets', 'execution_backend_config'),
);

/** The jobs of one project, or of all that the person may see. */
export async function listJobs(
	ctx: Ctx,
	project_id: number | null,
	query: z.infer<typeof JobList>,
): Promise<TextOf<Page<JobItem>>> {
	const { created_at, updated_at, title } = jobs;
	const { limit, orderBy, pageText, where } = keyset(query, { created_at, updated_at, title }, jobs.id);
	const { rows } = await enter(
		ctx,
		'job.list',
		project_id === null ? null : inProject(project_id),
		[
			ctx.db
				.select({ row })
				.from(jobs)
				.where(
					and(
						project_id === null
							? inArray(jobs.project_id, sql`${visibleProjects(ctx)}`)
							: eq(jobs.project_id, bound(project_id)),
						where,
						query.status && eq(jobs.status, query.status),
						query.job_type && eq(jobs.job_type, query.job_type),
						query.priority && eq(jobs.priority, query.priority),
						query.environment_id ? eq(jobs.environment_id, query.environment_id) : undefined,
						query.owner_id ? eq(jobs.owner_id, query.owner_id) : undefined,
						or(holds(jobs.title, query.q), holds(jobs.description, query.q)),
					),
				)
				.orderBy(...orderBy)
				.limit(limit),
		],
		project_id === null ? () => ({ access: 'read' }) : undefined,
	);
	return pageText(rows[0]);
}
