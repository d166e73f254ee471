import { and, eq, isNotNull, isNull, ne, sql } from 'drizzle-orm';
import type { JobStatus } from '#domain/job.ts';
import { isFinal, type Run, type RunStatus } from '#domain/run.ts';
import { approvals, jobs, run_streams, runs, terraform_plans } from '../../db/client.ts';
import { commit, LostRace } from '../commit.ts';
import type { Ctx, RowChange } from '../context.ts';
import { nextAttempt } from './attempt.ts';
import { tellQueued } from './make.ts';
import { planRow } from '../terraform_plans/content.ts';

/** What a run's stream decides, and so writes. */
export type RunColumns = Pick<
	Run,
	| 'status'
	| 'phase'
	| 'agent_id'
	| 'epoch'
	| 'reason'
	| 'exit_code'
	| 'started_at'
	| 'finished_at'
	| 'timings'
	| 'duration'
	| 'log_path'
	| 'log_bytes'
	| 'log_lines'
	| 'stdout_excerpt'
	| 'stderr_excerpt'
	| 'cancel_requested_at'
	| 'steps'
>;

/** A change of the run, numbered from 1 without a gap; some are worth an audit row. */
export interface RunChange {
	seq: number;
	audit: { action: 'run.grant' | 'run.finish'; metadata: Record<string, unknown> } | null;
}

/** A job has no `lost`: whatever became of it, it did not succeed. A queued run leaves the job as it was. */
const jobStatusOf: Record<RunStatus, JobStatus | null> = {
	queued: null,
	running: 'running',
	success: 'success',
	failed: 'failed',
	canceled: 'canceled',
	lost: 'failed',
};

/**
 * Writes down where a run stands: its row, its job's status when it is the job's latest run, the audit, in one batch.
 * Changes written before are left out, so it may be repeated. `changes` is not empty. Returns the row as it is now.
 */
export async function applyRun(
	ctx: Ctx,
	run: { id: number; project_id: number },
	changes: readonly RunChange[],
	columns: RunColumns,
): Promise<Run> {
	const last = changes.at(-1)?.seq ?? 0;
	try {
		return await write(ctx, run, changes, columns, last);
	} catch (error) {
		if (!(error instanceof LostRace)) throw error;
		const [[applied], [row]] = await ctx.db.batch([
			ctx.db.select().from(run_streams).where(eq(run_streams.run_id, run.id)),
			ctx.db.select().from(runs).where(eq(runs.id, run.id)),
		]);
		if (!row) throw new Error(`run ${String(run.id)} has a stream and no row`, { cause: error });
		const rest = changes.filter((c) => c.seq > (applied?.seq ?? 0));
		return rest.length === 0 ? row : write(ctx, run, rest, columns, last);
	}
}

async function write(
	ctx: Ctx,
	{ id, project_id }: { id: number; project_id: number },
	changes: readonly RunChange[],
	columns: RunColumns,
	last: number,
): Promise<Run> {
	const updated_at = new Date(ctx.now()).toISOString();
	const again = { version: sql`version + 1`, updated_at };
	const first = changes[0]?.seq ?? 0;
	// A run that was called off before it started says nothing of the job, which may be planned for later.
	const calledOff = columns.status === 'canceled' && columns.started_at === null;
	const jobStatus = calledOff ? null : jobStatusOf[columns.status];
	// The end is written down once, and so is what follows it.
	const ends = changes.some(({ audit }) => audit?.action === 'run.finish');
	const next = ends && columns.status !== 'success' ? await nextAttempt(ctx, id, columns) : null;
	const [[run], changedJobs, appliedPlans] = await commit(
		ctx,
		columns.agent_id === null ? { kind: 'system' } : { kind: 'agent', id: columns.agent_id },
		{
			expect: [sql`coalesce((select seq from run_streams where run_id = ${id}), 0) = ${first - 1}`],
			statements: [
				ctx.db
					.update(runs)
					.set({
						...columns,
						cancel_requested_at: sql`coalesce(${runs.cancel_requested_at}, ${columns.cancel_requested_at === null ? null : Date.parse(columns.cancel_requested_at)})`,
						...again,
					})
					.where(eq(runs.id, id))
					.returning(),
				ctx.db
					.update(jobs)
					.set({ status: jobStatus ?? 'running', ...again })
					.where(
						and(
							sql`${jobStatus === null ? 0 : 1} = 1`,
							eq(jobs.id, sql`(select job_id from runs where id = ${id})`),
							ne(jobs.status, jobStatus ?? 'running'),
							sql`not exists (select 1 from runs later where later.job_id = ${jobs.id} and later.id > ${id})`,
						),
					)
					.returning(),
				ctx.db
					.update(terraform_plans)
					.set({ applied_at: columns.finished_at, ...again })
					.where(
						and(
							sql`${columns.status === 'success' ? 1 : 0} = 1`,
							eq(terraform_plans.id, sql`(select plan_id from runs where id = ${id})`),
							isNull(terraform_plans.applied_at),
						),
					)
					.returning(),
				// Nobody decides any more on what is over.
				ctx.db
					.update(approvals)
					.set({ decision: 'expired', updated_at })
					.where(
						and(
							sql`${isFinal(columns.status) ? 1 : 0} = 1`,
							eq(approvals.run_id, id),
							eq(approvals.decision, 'pending'),
						),
					),
				ctx.db
					.insert(run_streams)
					.values({ run_id: id, seq: last })
					.onConflictDoUpdate({ target: run_streams.run_id, set: { seq: last } }),
				...(next?.statements ?? []),
			],
			audit: [
				...changes.flatMap(({ audit }) =>
					audit === null
						? []
						: [
								{
									action: audit.action,
									object_type: 'Run',
									object_id: id,
									project_id,
									metadata: audit.metadata,
								},
							],
				),
				...(next?.audit ?? []),
			],
		},
	);
	if (!run) throw new Error(`run ${String(id)} has a stream and no row`);
	if (next) {
		const attempts = await ctx.db
			.select()
			.from(runs)
			.where(and(eq(runs.retry_of, id), isNotNull(runs.not_before)));
		for (const attempt of attempts) tellQueued(ctx, attempt);
	}
	ctx.after(
		ctx.live.changed([
			{ project_id, entity: 'run', id, row: run },
			...changedJobs.map((row): RowChange => ({ project_id, entity: 'job', id: row.id, row })),
			...appliedPlans.map((row): RowChange => ({
				project_id,
				entity: 'terraform_plan',
				id: row.id,
				row: planRow(row),
			})),
		]),
	);
	return run;
}
