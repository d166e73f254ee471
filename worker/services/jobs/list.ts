import { and, eq, getTableColumns, inArray, or, sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type JobItem, JobStatus, JobType } from '#domain/job.ts';
import { Priority } from '#domain/priority.ts';
import { jobs } from '../../db/client.ts';
import { bound } from '../../db/planned.ts';
import { type TextOf, textOf } from '../../db/row-text.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject, visibleProjects } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { omit } from '../omit.ts';
import { jobsWith } from './search.ts';

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
	const jobsIn = (project: SQL) =>
		project_id === null ? inArray(project, sql`${visibleProjects(ctx)}`) : eq(project, bound(project_id));
	const page = (project: SQL, among: SQL | undefined, most: typeof limit) =>
		ctx.db
			.select({ row })
			.from(jobs)
			.where(
				and(
					jobsIn(project),
					among,
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
			.limit(most);
	// Over all projects they are read in their order, and those of hidden ones left out: an index by project would have them all sorted.
	const home = project_id === null ? sql`+${jobs.project_id}` : jobs.project_id.getSQL();
	const search = query.q === undefined ? null : jobsWith(query.q, query.limit + 1);
	const { rows } = await enter(
		ctx,
		'job.list',
		project_id === null ? null : inProject(project_id),
		search
			? [page(home, undefined, search.inOrder), page(sql`+${jobs.project_id}`, search.few, limit)]
			: [page(home, undefined, limit)],
		project_id === null ? () => ({ access: 'read' }) : undefined,
	);
	return pageText(rows.flat());
}
