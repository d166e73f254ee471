import { asc, eq } from 'drizzle-orm';
import type { Job, JobView } from '#domain/job.ts';
import { job_script_refs, jobs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';

/** The queries for a job and its scripts, for a batch; `viewOf` puts their results together. */
export const jobQueries = (ctx: Ctx, id: number) =>
	[
		ctx.db.select().from(jobs).where(eq(jobs.id, id)),
		ctx.db
			.select({ script_id: job_script_refs.script_id })
			.from(job_script_refs)
			.where(eq(job_script_refs.job_id, id))
			.orderBy(asc(job_script_refs.position)),
	] as const;

export const viewOf = (found: Job[], scripts: { script_id: number }[]): JobView => ({
	...one(found, 'job'),
	script_ids: scripts.map(({ script_id }) => script_id),
});
