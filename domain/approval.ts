import { z } from 'zod';
import { Id, stamps, Text, Time } from './common.ts';

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

export const ApprovalDecide = z.strictObject({
	/** What was looked at: refused where it is not what will run any more. */
	hash: z.string().regex(/^[0-9a-f]{64}$/, 'expected the approval_hash of the run'),
	reason: Text(500).optional(),
});
export type ApprovalDecide = z.infer<typeof ApprovalDecide>;

/** How long a request for approval stands where its environment says nothing else. */
export const APPROVAL_TTL_S = 86_400;
