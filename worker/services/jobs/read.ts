import { asc, eq, getTableColumns } from 'drizzle-orm';
import type { JobView } from '#domain/job.ts';
import type { ScriptRef } from '#domain/script.ts';
import { job_script_refs, script_refs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { jobQueries, viewOf } from './rows.ts';

export async function readJob(ctx: Ctx, id: number): Promise<JobView> {
	const { rows } = await enter(ctx, 'job.read', ofRow('job', id), jobQueries(ctx, id));
	return viewOf(...rows);
}

/** A job's scripts, in the order they run. At most twenty, so there is one page. */
export async function readJobScripts(ctx: Ctx, id: number): Promise<{ items: ScriptRef[]; next_cursor: null }> {
	const { rows } = await enter(ctx, 'job.read', ofRow('job', id), [
		ctx.db
			.select(getTableColumns(script_refs))
			.from(job_script_refs)
			.innerJoin(script_refs, eq(script_refs.id, job_script_refs.script_id))
			.where(eq(job_script_refs.job_id, id))
			.orderBy(asc(job_script_refs.position)),
	]);
	return { items: rows[0], next_cursor: null };
}
