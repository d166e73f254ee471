import { eq, sql } from 'drizzle-orm';
import { APPROVAL_TTL_S } from '#domain/approval.ts';
import { pauseAfter } from '#domain/retry.ts';
import { environments, jobs, projects, runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import type { RunColumns } from './apply.ts';
import { newRun } from './make.ts';

/**
 * What makes the attempt after a run that ends like this, for the batch that writes the end down; null where its job asks for none. A
 * cancel is never tried again, nor what applies a plan; what needed approval needs it again. It runs the very same, or not at all.
 */
export async function nextAttempt(ctx: Ctx, id: number, { reason, cancel_requested_at }: RunColumns) {
	if (reason === null || cancel_requested_at !== null) return null;
	const of = (column: 'job_id' | 'project_id' | 'environment_id') =>
		sql`(select ${sql.identifier(column)} from runs where id = ${id})`;
	const [[run], [job], [project], [environment]] = await ctx.db.batch([
		ctx.db.select().from(runs).where(eq(runs.id, id)),
		ctx.db
			.select()
			.from(jobs)
			.where(eq(jobs.id, of('job_id'))),
		ctx.db
			.select()
			.from(projects)
			.where(eq(projects.id, of('project_id'))),
		ctx.db
			.select()
			.from(environments)
			.where(eq(environments.id, of('environment_id'))),
	]);
	if (!run || !job || project?.status === 'archived' || run.plan_id !== null || run.cancel_requested_at !== null)
		return null;
	const pause = pauseAfter(job.retry, run.attempt, reason.code);
	if (pause === null) return null;
	const { backend, triggered_by_id, parameters, secret_parameters, hosts, check_mode, request_hash } = run;
	const ttl_s = environment?.protection.approval_ttl_s ?? APPROVAL_TTL_S;
	return newRun(
		ctx,
		{
			...{ job, environment, backend, triggered_by_id, parameters, secret_parameters, hosts, check_mode, request_hash },
			attempt: run.attempt + 1,
			retry_of: id,
			plan_id: null,
			note: run.note ?? undefined,
			not_before: new Date(ctx.now() + pause).toISOString(),
		},
		{
			request:
				run.approvals_needed === 0
					? null
					: {
							needed: run.approvals_needed,
							expires_at: new Date(ctx.now() + ttl_s * 1000).toISOString(),
						},
			metadata: { retry_of: id, attempt: run.attempt + 1, after: reason.code },
		},
	);
}
