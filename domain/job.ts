import { z } from 'zod';
import { ExecutionBackend } from './backend.ts';
import { editable, Id, Name, Text, Time } from './common.ts';
import { Labels } from './labels.ts';
import { ParametersSchema } from './parameter.ts';
import { Priority } from './priority.ts';
import { Recurrence } from './recurrence.ts';
import { RetryOn } from './run-reason.ts';
import { SecretRef } from './secret-ref.ts';

export const JobType = z.enum(['dev', 'ops', 'maintenance', 'meeting', 'infra']);
export type JobType = z.infer<typeof JobType>;

export const JobStatus = z.enum(['draft', 'planned', 'running', 'success', 'failed', 'canceled']);
export type JobStatus = z.infer<typeof JobStatus>;

/** Which status may follow which. A finished job can be planned, or run, again. */
export const jobTransitions: Record<JobStatus, readonly JobStatus[]> = {
	draft: ['planned', 'running', 'canceled'],
	planned: ['draft', 'running', 'canceled'],
	running: ['success', 'failed', 'canceled'],
	success: ['draft', 'planned', 'running'],
	failed: ['draft', 'planned', 'running'],
	canceled: ['draft', 'planned', 'running'],
};

export const Tag = Name(40);
export const Tags = z.array(Tag).max(20);

/** Runs with one key of one project never run at the same time. */
export const ConcurrencyKey = z
	.string()
	.regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}$/, 'expected letters, digits and . _ : / - (at most 100)');

/** Which ends are tried again, by themselves, as a new attempt. Only the job can say that this is safe. */
export const RetryPolicy = z.strictObject({
	/** Attempts after the first. */
	max: z.int().min(1).max(10),
	/** Before the second attempt; doubled before each further one, up to a day. */
	delay_s: z.int().min(0).max(86_400),
	on: z
		.array(RetryOn)
		.min(1)
		.refine((all) => new Set(all).size === all.length, 'each once'),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/** Which part of an inventory: patterns as `ansible --limit` takes them. */
export const Limit = z
	.string()
	.trim()
	.min(1)
	.max(500)
	.regex(/^[^-@\s][^\s@]*$/, 'expected names of hosts and groups, separated by commas, : or !');

/** The hosts a job is aimed at: an inventory of its project, and which part of it. */
export const Targets = z.strictObject({
	inventory_id: Id,
	limit: Limit.nullable().default(null),
	/** Of the private key that ansible gets in with; null: as the inventory and the agent's host have it. */
	key_ref: SecretRef.nullable().default(null),
});
export type Targets = z.infer<typeof Targets>;

/** Given to each script; `{{NAME}}` stands for a parameter's value. No shell reads them. */
export const Arguments = z
	.array(
		z
			.string()
			.max(1024)
			.refine((text) => !text.includes('\0'), 'must not hold a NUL'),
	)
	.max(50);

export const Job = z.object({
	id: Id,
	project_id: Id,
	environment_id: Id.nullable(),
	title: z.string(),
	description: z.string().nullable(),
	job_type: JobType,
	owner_id: Id,
	requested_by_id: Id.nullable(),
	status: JobStatus,
	priority: Priority,
	planned_start: Time.nullable(),
	planned_end: Time.nullable(),
	tags: z.array(z.string()),
	timeout_s: z.int(),
	/** Seconds that a run may wait before it starts; later it does not start any more. */
	start_within_s: z.int(),
	labels: Labels,
	/** `planned_start` and `planned_end` are those of the first time. */
	recurrence: Recurrence.nullable(),
	/** Starts by itself at `planned_start`, and each time it recurs. */
	auto_start: z.boolean(),
	/** When one that recurs starts by itself next. */
	next_start: Time.nullable(),
	concurrency_key: z.string().nullable(),
	retry: RetryPolicy.nullable(),
	parameters_schema: ParametersSchema.nullable(),
	arguments: z.array(z.string()),
	targets: Targets.nullable(),
	/** Counts only where neither the environment nor the project says where things run. */
	execution_backend: ExecutionBackend.nullable(),
	execution_backend_config: z.record(z.string(), z.unknown()).nullable(),
	...editable,
});
export type Job = z.infer<typeof Job>;

/** A job in a list: without what only its own page shows. */
export const JobItem = Job.omit({
	retry: true,
	parameters_schema: true,
	arguments: true,
	targets: true,
	execution_backend_config: true,
});
export type JobItem = z.infer<typeof JobItem>;

/** A job with its scripts' ids in their order. */
export const JobView = Job.extend({ script_ids: z.array(Id) });
export type JobView = z.infer<typeof JobView>;

/** How long a run may wait where its job says nothing else: a day. */
export const START_WITHIN_S = 86_400;

const fields = {
	environment_id: Id.nullable(),
	title: Name(160),
	description: Text(10_000).nullable(),
	job_type: JobType,
	owner_id: Id,
	requested_by_id: Id.nullable(),
	priority: Priority,
	planned_start: Time.nullable(),
	planned_end: Time.nullable(),
	tags: Tags,
	timeout_s: z.int().min(1).max(604_800),
	start_within_s: z.int().min(60).max(2_592_000),
	labels: Labels,
	recurrence: Recurrence.nullable(),
	auto_start: z.boolean(),
	concurrency_key: ConcurrencyKey.nullable(),
	retry: RetryPolicy.nullable(),
	parameters_schema: ParametersSchema.nullable(),
	arguments: Arguments,
	targets: Targets.nullable(),
	execution_backend: ExecutionBackend.nullable(),
	execution_backend_config: z.record(z.string(), z.unknown()).nullable(),
	script_ids: z
		.array(Id)
		.max(20)
		.refine((ids) => new Set(ids).size === ids.length, 'each script once'),
};

const inOrder = (j: { planned_start?: string | null | undefined; planned_end?: string | null | undefined }) =>
	!j.planned_start || !j.planned_end || j.planned_start < j.planned_end;
const endAfterStart = { path: ['planned_end'], message: 'must be after planned_start' };

export const JobCreate = z
	.strictObject({
		...fields,
		environment_id: fields.environment_id.default(null),
		description: fields.description.default(null),
		owner_id: fields.owner_id.optional(),
		requested_by_id: fields.requested_by_id.default(null),
		priority: fields.priority.default('normal'),
		planned_start: fields.planned_start.default(null),
		planned_end: fields.planned_end.default(null),
		tags: fields.tags.default([]),
		timeout_s: fields.timeout_s.default(3600),
		start_within_s: fields.start_within_s.default(START_WITHIN_S),
		labels: fields.labels.default({}),
		recurrence: fields.recurrence.default(null),
		auto_start: fields.auto_start.default(false),
		concurrency_key: fields.concurrency_key.default(null),
		retry: fields.retry.default(null),
		parameters_schema: fields.parameters_schema.default(null),
		arguments: fields.arguments.default([]),
		targets: fields.targets.default(null),
		execution_backend: fields.execution_backend.default(null),
		execution_backend_config: fields.execution_backend_config.default(null),
		script_ids: fields.script_ids.default([]),
	})
	.refine(inOrder, endAfterStart)
	.refine((j) => j.planned_end === null || j.planned_start !== null, {
		path: ['planned_start'],
		message: 'is needed where planned_end is given',
	});
export type JobCreate = z.infer<typeof JobCreate>;

/** `status` may be set by hand to `draft`, `planned` or `canceled` only; the rest follows the runs. */
export const JobPatch = z
	.strictObject({ ...fields, status: z.enum(['draft', 'planned', 'canceled']) })
	.partial()
	.refine(inOrder, endAfterStart);
export type JobPatch = z.infer<typeof JobPatch>;
