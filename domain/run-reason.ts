import { z } from 'zod';

/** Why a run ended as it did, waits or was refused: a code programs rely on, a sentence for people. */
export const ReasonCode = z.enum([
	'exit_code', // the script ended with another code than 0
	'signal', // the script was ended by a signal nobody here sent
	'timeout',
	'canceled_by_user',
	'start_failed', // the script could not be started
	'script_missing', // the content was not there or did not match its hash
	'refused_by_policy',
	'bad_request', // the agent did not understand what it was asked to do
	'secret_unavailable',
	'agent_lost', // the agent vanished after it was granted the run
	'agent_stopped', // the agent was told to stop while it ran
	'agent_revoked',
	'log_damaged', // what its agent sent as its log could not be kept, so it was stopped
	'log_incomplete', // the run ended, but part of its log never arrived
	'archived', // it was not over when the archive was made that it came with
	'no_agent', // waiting: nobody fit is online
	'agents_busy', // waiting: everybody fit is full
	'agents_draining', // waiting: everybody fit takes nothing new
	'behind_others', // waiting: other runs come first
	'same_key', // waiting: a run with its concurrency key is under way
	'later', // waiting: for the pause before another attempt
	'project_paused', // waiting
	'frozen', // waiting: a freeze is on
	'needs_approval', // waiting
	'rejected', // somebody who was asked said no
	'approval_expired',
	'approval_stale', // what would run is not what was approved
	'request_changed', // what would run is not what was asked for
	'missed', // the hub was away at the time it was planned for
	'waited_too_long', // it could not start within the time its job gives it
	'not_allowed', // who it would have started for may not start it
	'unsigned', // the agent takes only what is signed
	'bad_signature',
	'signature_expired',
	'replayed', // it was asked for before, or something newer was signed since
	'engine_unavailable', // docker: the engine does not answer
	'image_missing', // docker: it is not here, and is not to be pulled
	'pull_failed',
	'host_unreachable', // ssh: no way to the host, or nobody answers
	'connection_refused',
	'host_key_unknown',
	'host_key_changed',
	'permission_denied',
	'hosts_failed', // some of its hosts failed
	'cluster_unavailable', // k8s
	'cluster_refused', // k8s: quota, admission, a name that is taken
	'pod_failed', // k8s: evicted, out of memory, its image not to be had
	'git_failed',
	'inventory_missing',
	'plan_missing', // the agent has not, or no longer, the plan
	'plan_stale', // the state has moved since the plan was made
	'http_status', // webhook, serverless: another status than expected
	'http_unreachable',
	'reported', // a callback said that it failed
	'answer_lost', // the hub stopped while it waited for the answer
	'http_refused', // its address leads where the hub does not go
]);
export type ReasonCode = z.infer<typeof ReasonCode>;
export const Reason = z.strictObject({ code: ReasonCode, message: z.string().max(500) });
export type Reason = z.infer<typeof Reason>;

/** Ends that may be worth another attempt. A cancel, a refusal and a missing right never are. */
export const RetryOn = ReasonCode.extract([
	'exit_code',
	'signal',
	'timeout',
	'start_failed',
	'agent_lost',
	'agent_stopped',
	'secret_unavailable',
	'engine_unavailable',
	'pull_failed',
	'host_unreachable',
	'connection_refused',
	'hosts_failed',
	'cluster_unavailable',
	'pod_failed',
	'git_failed',
	'http_status',
	'http_unreachable',
	'reported',
	'answer_lost',
]);
export type RetryOn = z.infer<typeof RetryOn>;
