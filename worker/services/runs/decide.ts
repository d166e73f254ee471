import { and, eq, sql } from 'drizzle-orm';
import { type ApprovalDecide, approvalReason } from '#domain/approval.ts';
import { conflict, DomainError } from '#domain/errors.ts';
import { isFinal, type Run } from '#domain/run.ts';
import { approvals, environments, jobs, projects, runs, script_refs } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { dispatchesOf, dispatchQueries } from './spec.ts';

/** Lets a run that waits for approval go, as far as this person is concerned. */
export const approveRun = (ctx: Ctx, id: number, input: ApprovalDecide): Promise<Run> =>
	decide(ctx, id, 'approved', input);

/** Ends a run that waits for approval: one no is enough. */
export const rejectRun = (ctx: Ctx, id: number, input: ApprovalDecide): Promise<Run> =>
	decide(ctx, id, 'rejected', input);

/** What was looked at is what is decided on, it is what would run at this moment, and the person is not who asked for it. */
async function decide(
	ctx: Ctx,
	id: number,
	decision: 'approved' | 'rejected',
	{ hash, reason }: ApprovalDecide,
): Promise<Run> {
	const action = decision === 'approved' ? 'run.approve' : 'run.reject';
	const { actor, rows } = await enter(
		ctx,
		action,
		ofRow('run', id),
		[
			ctx.db.select().from(runs).where(eq(runs.id, id)),
			ctx.db.select().from(approvals).where(eq(approvals.run_id, id)),
			...dispatchQueries(ctx, [id]),
		],
		([[run]], actor) => ({ own_run: run?.triggered_by_id === actor.id }),
	);
	const [found, asked, ...rest] = rows;
	const run = one(found, 'run');
	if (isFinal(run.status)) throw conflict(`The run is over: ${run.status}.`);
	const dispatch = (await dispatchesOf(ctx, rest)).get(id);
	// What has come to its end meanwhile ends now, whatever happened to the alarm that should have seen to it.
	if (dispatch?.end) ctx.after(ctx.live.decided(run));
	if (run.approvals_missing === 0 || run.cancel_requested_at !== null) throw conflict('The run waits for no approval.');
	if (asked.some((a) => a.decided_by_id === actor.id)) throw conflict('You have decided on this run already.');
	if (hash !== run.request_hash)
		throw new DomainError('conflict', 'What you looked at is not what was asked for.', {
			errors: [{ path: 'hash', message: 'is not the request_hash of this run' }],
		});
	if (dispatch?.end && (decision === 'approved' || dispatch.end.status === 'canceled'))
		throw conflict(dispatch.end.reason.message);

	const now = new Date(ctx.now()).toISOString();
	const missing = run.approvals_missing - (decision === 'approved' ? 1 : 0);
	const [, after] = await commit(ctx, actor, {
		expect: [
			sql`exists (select 1 from runs where id = ${id} and status = 'queued' and approvals_missing = ${run.approvals_missing}
				and approval_expires_at > ${ctx.now()} and cancel_requested_at is null)`,
			sql`not exists (select 1 from approvals where run_id = ${id} and decision = 'rejected')`,
			...(decision === 'approved' ? stillTheSame(rest) : []),
		],
		statements: [
			ctx.db
				.update(approvals)
				.set({ decision, decided_by_id: actor.id, reason: reason ?? null, decided_at: now, updated_at: now })
				.where(eq(approvals.id, sql`(select min(id) from approvals where run_id = ${id} and decision = 'pending')`)),
			ctx.db
				.update(runs)
				.set({
					approvals_missing: missing,
					reason: missing > 0 ? approvalReason(missing) : null,
					updated_at: now,
					version: sql`version + 1`,
				})
				.where(and(eq(runs.id, id), eq(runs.status, 'queued')))
				.returning(),
		],
		audit: [
			{
				action,
				object_type: 'Run',
				object_id: id,
				project_id: run.project_id,
				metadata: { hash, missing, ...(reason !== undefined && { reason }) },
			},
		],
	});
	const changed = one(after, 'run');
	ctx.after(ctx.live.decided(run));
	ctx.after(ctx.live.changed([{ project_id: run.project_id, entity: 'run', id, row: changed }]));
	return changed;
}

/** All that what would run is made of is as it was read: for `expect`. */
const stillTheSame = ([, jobRows, projectRows, environmentRows, scripts]: Parameters<typeof dispatchesOf>[1]) => [
	...jobRows.map((row) => unchanged(jobs, row)),
	...projectRows.map((row) => unchanged(projects, row)),
	...environmentRows.map((row) => unchanged(environments, row)),
	...scripts.map((row) => unchanged(script_refs, row)),
];
