import { and, eq, getTableColumns, inArray, or, sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type JobItem, JobStatus, JobType, Tag } from '#domain/job.ts';
import { Priority } from '#domain/priority.ts';
import { job_tags, jobs } from '../../db/client.ts';
import { bound } from '../../db/planned.ts';
import { type TextOf, textOf } from '../../db/row-text.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject, visibleProjects } from '../gate.ts';
import { fewOrMany, lettersIn } from '../few-or-many.ts';
import { holds, keyset, orEmpty, type Page, ranked, sortBy } from '../list.ts';
import { omit } from '../omit.ts';

const filters = {
	...ListQuery,
	sort: sortBy(['created_at', 'updated_at', 'title', 'priority', 'status', 'planned_start'], '-created_at'),
	status: JobStatus.optional(),
	job_type: JobType.optional(),
	priority: Priority.optional(),
	environment_id: z.coerce.number().pipe(Id).optional(),
	owner_id: z.coerce.number().pipe(Id).optional(),
	requested_by_id: z.coerce.number().pipe(Id).optional(),
	/** One tag that they have. */
	tags: Tag.optional(),
};
export const JobListInProject = z.strictObject(filters);
export const JobList = z.strictObject({ ...filters, project_id: z.coerce.number().pipe(Id).optional() });

const row = textOf(
	omit(getTableColumns(jobs), 'retry', 'parameters_schema', 'arguments', 'targets', 'execution_backend_config'),
);

/** The jobs of one project, or of all that the person may see. */
export async function listJobs(ctx: Ctx, query: z.infer<typeof JobList>): Promise<TextOf<Page<JobItem>>> {
	const { project_id = null } = query;
	const { created_at, updated_at, title } = jobs;
	const orders = {
		...{ created_at, updated_at, title },
		priority: ranked(jobs.priority, Priority.options),
		status: ranked(jobs.status, JobStatus.options),
		planned_start: orEmpty(jobs.planned_start),
	};
	const { limit, orderBy, pageText, where } = keyset(query, orders, jobs.id);
	const tagged =
		query.tags === undefined ? null : sql`select job_id from ${job_tags} where ${job_tags.tag} = ${query.tags}`;
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
					query.requested_by_id ? eq(jobs.requested_by_id, query.requested_by_id) : undefined,
					tagged ? sql`exists (${tagged} and ${job_tags.job_id} = ${jobs.id})` : undefined,
					or(holds(jobs.title, query.q), holds(jobs.description, query.q)),
				),
			)
			.orderBy(...orderBy)
			.limit(most);
	// Over all projects they are read in their order, and those of hidden ones left out: an index by project would have them all sorted.
	const home = project_id === null ? sql`+${jobs.project_id}` : jobs.project_id.getSQL();
	const ids = lettersIn('jobs_text', query.q) ?? tagged;
	const search = ids && fewOrMany(ids, jobs.id, query.limit + 1);
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
