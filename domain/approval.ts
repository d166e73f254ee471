import { z } from 'zod';
import { Id, stamps, Text, Time } from './common.ts';
import type { Reason } from './run-reason.ts';

export const ApprovalDecision = z.enum(['pending', 'approved', 'rejected', 'expired']);
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;

/** One approval a run needs: a run that needs two of them has two. */
export const Approval = z.object({
	id: Id,
	run_id: Id,
	project_id: Id,
	requested_by_id: Id,
	decided_by_id: Id.nullable(),
	decision: ApprovalDecision,
	/** What the one who decided said. */
	reason: z.string().nullable(),
	/** SHA-256 of what will run. */
	hash: z.string(),
	expires_at: Time,
	decided_at: Time.nullable(),
	...stamps,
});
export type Approval = z.infer<typeof Approval>;

/** What a run would carry out if it started now, and who approved that. */
export const ApprovalView = z.object({
	run_id: Id,
	/** SHA-256 of what was asked for: this is what one approves; null where nobody has to. */
	hash: z.string().nullable(),
	/** The same of what would run now; null where nothing could any more, or the run is over. */
	current_hash: z.string().nullable(),
	needed: z.int().min(0),
	missing: z.int().min(0),
	expires_at: Time.nullable(),
	/** What would run now, as the agent is told it. */
	what: z.record(z.string(), z.unknown()).nullable(),
	/** The scripts among it, in their order, for those who want to read them. */
	script_ids: z.array(Id),
	items: z.array(Approval),
	/** Who could approve it now; the first of them, where they are many. */
	approver_ids: z.array(Id),
});
export type ApprovalView = z.infer<typeof ApprovalView>;

export const ApprovalDecide = z.strictObject({
	/** What was looked at: refused where it is not what will run any more. */
	hash: z.string().regex(/^[0-9a-f]{64}$/, 'expected the request_hash of the run'),
	reason: Text(500).optional(),
});
export type ApprovalDecide = z.infer<typeof ApprovalDecide>;

/** How long a request for approval stands where its environment says nothing else. */
export const APPROVAL_TTL_S = 86_400;

/** Why a run waits that so many have not approved yet. */
export const approvalReason = (missing: number): Reason => ({
	code: 'needs_approval',
	message: missing === 1 ? 'Needs approval of ops.' : `Needs ${String(missing)} approvals of ops.`,
});
