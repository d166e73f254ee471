import type { ApprovalDecision } from '#domain/approval.ts';
import type { StepStatus } from '#domain/run-step.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const stepStatus: Words<StepStatus> = {
	running: m.run_running,
	success: m.run_success,
	failed: m.run_failed,
	canceled: m.run_canceled,
	skipped: m.step_skipped,
	lost: m.run_lost,
};

export const approvalDecision: Words<ApprovalDecision> = {
	pending: m.approval_is_pending,
	approved: m.approval_is_approved,
	rejected: m.approval_is_rejected,
	expired: m.approval_is_expired,
};
