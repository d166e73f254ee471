import { z } from 'zod';
import { ExecutionBackend } from './backend.ts';
import { editable, Id, Text, Time } from './common.ts';
import { Labels } from './labels.ts';
import { Priority } from './priority.ts';
import { ParameterInput, ParameterValues, SecretParameters } from './parameter-values.ts';
import { Reason } from './run-reason.ts';
import { RunStep } from './run-step.ts';

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
	parameters: ParameterValues,
	/** References of secret parameters. */
	secret_parameters: SecretParameters,
	/** The hosts that were chosen among the job's targets; null: all of them. */
	hosts: z.array(z.string()).nullable(),
	/** Says what it would change, and changes nothing. */
	check_mode: z.boolean(),
	/** It applies this very plan. */
	plan_id: Id.nullable(),
	/** The occurrence it was started for by itself; null: somebody started it. */
	scheduled_for: Time.nullable(),
	/** It waits until then: the pause before another attempt. */
	not_before: Time.nullable(),
	/** What has not started by then does not start any more; null where it was asked for before there was such a bound. */
	start_before: Time.nullable(),
	/** SHA-256 of what it was asked to carry out: nothing else is. Null where it was asked for before runs were bound to it. */
	request_hash: z.string().nullable(),
	/** What its place in the queue depends on: its job's, and while it waits also as they are changed there. */
	priority: Priority,
	labels: Labels,
	concurrency_key: z.string().nullable(),
	/** How many have to approve it before it starts; 0: nobody. */
	approvals_needed: z.int().min(0),
	/** How many of them have not approved it yet. */
	approvals_missing: z.int().min(0),
	approval_expires_at: Time.nullable(),
	steps: z.array(RunStep),
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
export const RunItem = Run.omit({
	stdout_excerpt: true,
	stderr_excerpt: true,
	parameters: true,
	secret_parameters: true,
	labels: true,
	hosts: true,
	steps: true,
	timings: true,
}).extend({ job_title: z.string() });
export type RunItem = z.infer<typeof RunItem>;

export const RunStart = z.strictObject({
	parameters: ParameterInput.default({}),
	environment_id: Id.optional(),
	reason: Text(500).optional(),
	/** Only say what would change: for scripts of ansible. */
	check: z.boolean().optional(),
	/** Why it must start although a freeze is on. */
	break_freeze: Text(500)
		.refine((text) => text.trim() !== '', 'must not be empty')
		.optional(),
});
export type RunStart = z.infer<typeof RunStart>;

/** Excerpts kept on the row, in bytes of UTF-8. */
export const EXCERPT_MAX = 8192;
