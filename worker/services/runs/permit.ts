import { eq, sql, type SQL } from 'drizzle-orm';
import { accessOfRank } from '#domain/access.ts';
import type { Environment } from '#domain/environment.ts';
import { approvalsNeeded, approvalsOfNobody, can } from '#domain/permissions.ts';
import type { Reason } from '#domain/run-reason.ts';
import type { Run } from '#domain/run.ts';
import { canonical, requestOf, type RunSpec } from '#protocol/run-spec.ts';
import { runs, users } from '../../db/client.ts';
import { sha256 } from '../bytes.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf } from '../gate.ts';

/** How a run ends that may not start, or never can. */
export interface End {
	status: 'failed' | 'canceled';
	reason: Reason;
}

/** For a batch: who these runs start for, what that person may do there now, and whether somebody said no. */
export const permitsQuery = (ctx: Ctx, run_ids: SQL) =>
	ctx.db
		.select({
			run_id: runs.id,
			user_id: runs.triggered_by_id,
			username: users.username,
			role: users.role,
			is_active: users.is_active,
			rank: accessRankOf(sql`users.id`, sql`runs.project_id`),
			rejected: sql<number>`exists (select 1 from approvals where approvals.run_id = runs.id and decision = 'rejected')`,
		})
		.from(runs)
		.innerJoin(users, eq(users.id, runs.triggered_by_id))
		.where(sql`${runs.id} in ${run_ids}`);
type Permit = Awaited<ReturnType<typeof permitsQuery>>[number];

/** What could not be started so long after the time it was planned for is not started any more: somebody has to want it again. */
export const MISSED_AFTER_MS = 300_000;

/** SHA-256 of what a run is asked to carry out. Where that is nothing, of why: so it is never what is carried out later. */
export const requestHash = (made: RunSpec | Reason): Promise<string> =>
	sha256(new TextEncoder().encode(canonical('code' in made ? made : requestOf(made))));

/**
 * What keeps a run that waits from ever starting, asked when it is handed to an agent: what was true at the request may not be any more.
 * Null where nothing does.
 */
export async function endOf({
	run,
	environment,
	permit,
	made,
	scripts,
	now,
}: {
	run: Pick<
		Run,
		| 'scheduled_for'
		| 'requested_at'
		| 'start_before'
		| 'reason'
		| 'approvals_needed'
		| 'approvals_missing'
		| 'request_hash'
		| 'approval_expires_at'
	>;
	environment: Environment | undefined;
	permit: Permit;
	made: RunSpec | Reason;
	/** Its job's, as they are now. */
	scripts: readonly { name: string; updated_at: string }[];
	now: number;
}): Promise<End | null> {
	if (run.scheduled_for !== null && Date.parse(run.requested_at) - Date.parse(run.scheduled_for) > MISSED_AFTER_MS)
		return canceled('missed', `It was planned for ${run.scheduled_for}, and the hub was away.`);
	if (permit.rejected) return canceled('rejected', 'Somebody who was asked for approval said no.');
	const { approvals_needed, approvals_missing, request_hash, approval_expires_at } = run;
	if (approvals_missing > 0 && approval_expires_at !== null && Date.parse(approval_expires_at) <= now)
		return canceled('approval_expired', 'Nobody approved it in time.');
	if (run.start_before !== null && Date.parse(run.start_before) <= now)
		return canceled(
			'waited_too_long',
			`It was to start before ${run.start_before}.${run.reason ? ` It waited: ${run.reason.message}` : ''}`,
		);
	const { user_id: id, username, role, is_active } = permit;
	const access = accessOfRank(permit.rank);
	const verdict = can({ kind: 'user', id, username, role }, 'run.start', {
		access,
		environment: environment ?? null,
	});
	if (!is_active || access === null || !verdict.allowed)
		return failed('not_allowed', `${username} may not start it (any more).`);
	if ('code' in made) return { status: 'failed', reason: made };
	const asks =
		run.scheduled_for === null
			? approvalsNeeded(role, access, environment ?? null)
			: approvalsOfNobody(environment ?? null);
	if (approvals_needed === 0 && asks > 0)
		return failed('approval_stale', 'It needs an approval that nobody was asked for: start it again.');
	if (request_hash === null || (await requestHash(made)) === request_hash) return null;
	return approvals_needed > 0
		? failed('approval_stale', 'What would run is not what the approval was asked for: start it again.')
		: failed('request_changed', whatChanged(run.requested_at, scripts));
}

function whatChanged(since: string, scripts: readonly { name: string; updated_at: string }[]): string {
	const names = scripts.filter(({ updated_at }) => updated_at > since).map(({ name }) => name);
	return names.length > 0
		? `Changed since it was asked for: ${names.join(', ')}. Start it again.`
		: 'Its job, its scripts or where it runs has been changed since it was asked for: start it again.';
}

const endOfKind =
	(status: End['status']) =>
	(code: Reason['code'], message: string): End => ({ status, reason: { code, message: message.slice(0, 500) } });
const failed = endOfKind('failed');
const canceled = endOfKind('canceled');
