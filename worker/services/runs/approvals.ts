import { and, asc, eq, gt, sql, type SQL } from 'drizzle-orm';
import type { ApprovalView } from '#domain/approval.ts';
import { requestOf } from '#protocol/run-spec.ts';
import { approvals, runs, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow, userId } from '../gate.ts';
import { mayApprove } from './may-approve.ts';
import { requestHash } from './permit.ts';
import { dispatchQueries, specsOf } from './spec.ts';

const APPROVERS_MAX = 50;

/** What a run would carry out if it started now, and who approved that. */
export async function readApprovals(ctx: Ctx, id: number): Promise<ApprovalView> {
	const { rows } = await enter(ctx, 'run.read', ofRow('run', id), [
		ctx.db.select().from(runs).where(eq(runs.id, id)),
		ctx.db.select().from(approvals).where(eq(approvals.run_id, id)).orderBy(asc(approvals.id)),
		ctx.db
			.select({ id: users.id })
			.from(users)
			.innerJoin(runs, eq(runs.id, id))
			.where(
				and(
					eq(runs.status, 'queued'),
					gt(runs.approvals_missing, 0),
					eq(users.is_active, true),
					mayApprove(sql`users`, sql`runs`),
				),
			)
			.orderBy(asc(users.username))
			.limit(APPROVERS_MAX),
		...dispatchQueries(ctx, [id]),
	]);
	const [found, items, approvers, ...rest] = rows;
	const run = one(found, 'run');
	const made = specsOf(rest).get(id)?.made;
	const spec = made && !('code' in made) ? made : null;
	return {
		run_id: id,
		hash: run.approvals_needed > 0 ? run.request_hash : null,
		current_hash: spec ? await requestHash(spec) : null,
		needed: run.approvals_needed,
		missing: run.approvals_missing,
		expires_at: run.approval_expires_at,
		what: spec && requestOf(spec),
		script_ids: spec ? rest[4].map(({ id }) => id) : [],
		items,
		approver_ids: approvers.map((user) => user.id),
	};
}

/** For `where`, over runs: those that this person could approve now, and has not yet. */
export const waitsForMe = (ctx: Ctx): SQL => sql`(${runs.status} = 'queued' and ${runs.approvals_missing} > 0
	and ${runs.approval_expires_at} > ${ctx.now()} and ${runs.cancel_requested_at} is null
	and exists (select 1 from users where users.id = ${userId(ctx)} and users.is_active
		and ${mayApprove(sql`users`, sql`runs`)}))`;
