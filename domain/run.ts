import { z } from 'zod';
import { ExecutionBackend } from './backend.ts';
import { editable, Id, Text, Time } from './common.ts';
import { Parameters } from './job.ts';

export const RunStatus = z.enum(['queued', 'running', 'success', 'failed', 'canceled', 'lost']);
export type RunStatus = z.infer<typeof RunStatus>;

export const finalRunStatuses = ['success', 'failed', 'canceled', 'lost'] as const satisfies readonly RunStatus[];
export const isFinal = (s: RunStatus): boolean => (finalRunStatuses as readonly RunStatus[]).includes(s);

/** Which status may follow which. A final one never changes. */
export const runTransitions: Record<RunStatus, readonly RunStatus[]> = {
	queued: ['running', 'failed', 'canceled', 'lost'],
	running: ['success', 'failed', 'canceled', 'lost'],
	success: [],
	failed: [],
	canceled: [],
	lost: [],
};

/**
 * Where a run is, finer than its status. `disconnected` and `canceling` are shown while nobody can know better:
 * the agent is away, or has not yet said that the run is stopped.
 */
export const RunPhase = z.enum([
	'queued',
	'offered',
	'accepted',
	'granted',
	'running',
	'disconnected',
	'canceling',
	'finalizing',
	'done',
]);
export type RunPhase = z.infer<typeof RunPhase>;

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
	'behind_others', // waiting: other runs come first
	'project_paused', // waiting
	'frozen', // waiting: a freeze is on
]);
export type ReasonCode = z.infer<typeof ReasonCode>;
export const Reason = z.strictObject({ code: ReasonCode, message: z.string().max(500) });
export type Reason = z.infer<typeof Reason>;

/** When each step was reached, for the waterfall. */
export const Timings = z
	.strictObject({ offered_at: Time, accepted_at: Time, granted_at: Time, started_at: Time, exited_at: Time })
	.partial();
export type Timings = z.infer<typeof Timings>;

export const Run = z.object({
	id: Id,
	job_id: Id,
	project_id: Id,
	environment_id: Id.nullable(),
	started_at: Time.nullable(),
	finished_at: Time.nullable(),
	status: RunStatus,
	phase: RunPhase,
	triggered_by_id: Id,
	log_path: z.string().nullable(),
	stdout_excerpt: z.string().nullable(),
	stderr_excerpt: z.string().nullable(),
	exit_code: z.int().nullable(),
	backend: ExecutionBackend,
	agent_id: Id.nullable(),
	attempt: z.int().min(1),
	retry_of: Id.nullable(),
	/** The fencing number of the latest offer: what carries an older one is void. */
	epoch: z.int().min(0),
	reason: Reason.nullable(),
	/** The sentence given with the request. */
	note: z.string().nullable(),
	/** Why it may start inside a freeze; null: it waits for the end of one. */
	break_freeze: z.string().nullable(),
	parameters: Parameters,
	requested_at: Time,
	timings: Timings,
	/** Milliseconds from start to end. */
	duration: z.int().min(0).nullable(),
	log_bytes: z.int().min(0),
	log_lines: z.int().min(0),
	cancel_requested_at: Time.nullable(),
	...editable,
});
export type Run = z.infer<typeof Run>;

/** A run in a list: with its job's title, and without the long texts. */
export const RunItem = Run.omit({ stdout_excerpt: true, stderr_excerpt: true, parameters: true, timings: true }).extend(
	{ job_title: z.string() },
);
export type RunItem = z.infer<typeof RunItem>;

export const RunStart = z.strictObject({
	parameters: Parameters.default({}),
	environment_id: Id.optional(),
	reason: Text(500).optional(),
	/** Why it must start although a freeze is on. */
	break_freeze: Text(500)
		.refine((text) => text.trim() !== '', 'must not be empty')
		.optional(),
});
export type RunStart = z.infer<typeof RunStart>;

/** Excerpts kept on the row, in bytes of UTF-8. */
export const EXCERPT_MAX = 8192;
