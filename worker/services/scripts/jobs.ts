import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { type Job, JobStatus } from '#domain/job.ts';
import { jobs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const ScriptJobList = z.strictObject({
	...ListQuery,
	sort: sortBy(['created_at', 'updated_at', 'title'], 'title'),
	status: JobStatus.optional(),
});

/** The jobs that run a script. */
export async function listScriptJobs(ctx: Ctx, id: number, query: z.infer<typeof ScriptJobList>): Promise<Page<Job>> {
	const { created_at, updated_at, title } = jobs;
	const { limit, orderBy, page, where } = keyset(query, { created_at, updated_at, title }, jobs.id);
	const { rows } = await enter(ctx, 'script.read', ofRow('script', id), [
		ctx.db
			.select(getTableColumns(jobs))
			.from(jobs)
			.where(
				and(
					inArray(jobs.id, sql`(select job_id from job_script_refs where script_id = ${id})`),
					where,
					query.status && eq(jobs.status, query.status),
					holds(jobs.title, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
