import { z } from 'zod';
import { editable, EnvName, Id, Name, Text, Time } from './common.ts';

export const JobType = z.enum(['dev', 'ops', 'maintenance', 'meeting', 'infra']);
export type JobType = z.infer<typeof JobType>;

export const JobStatus = z.enum(['draft', 'planned', 'running', 'success', 'failed', 'canceled']);
export type JobStatus = z.infer<typeof JobStatus>;

export const Priority = z.enum(['low', 'normal', 'high', 'critical']);
export type Priority = z.infer<typeof Priority>;

/** 0 for `low` to 3 for `critical`: what the queue sorts by. */
export const priorityRank = (p: Priority): number => Priority.options.indexOf(p);

/** Which status may follow which. A finished job can be planned, or run, again. */
export const jobTransitions: Record<JobStatus, readonly JobStatus[]> = {
	draft: ['planned', 'running', 'canceled'],
	planned: ['draft', 'running', 'canceled'],
	running: ['success', 'failed', 'canceled'],
	success: ['draft', 'planned', 'running'],
	failed: ['draft', 'planned', 'running'],
	canceled: ['draft', 'planned', 'running'],
};

/** Values given at a run, handed to the script as `UHUB_PARAM_<NAME>`. A leading dash would be read as an option. */
export const Parameters = z
	.record(
		EnvName,
		z
			.string()
			.max(4096)
			.refine((v) => !v.startsWith('-') && !v.includes('\0'), 'must not start with a dash or hold a NUL'),
	)
	.refine((p) => Object.keys(p).length <= 50, 'at most 50 parameters');
export type Parameters = z.infer<typeof Parameters>;

/** Labels an agent must carry to be offered the job. */
export const Labels = z
	.record(
		z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/),
		z
			.string()
			.max(63)
			.regex(/^[\w./-]*$/),
	)
	.refine((l) => Object.keys(l).length <= 20, 'at most 20 labels');
export type Labels = z.infer<typeof Labels>;

export const Tags = z.array(Name(40)).max(20);

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
	labels: Labels,
	...editable,
});
export type Job = z.infer<typeof Job>;

/** A job with its scripts' ids in their order. */
export const JobView = Job.extend({ script_ids: z.array(Id) });
export type JobView = z.infer<typeof JobView>;

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
	labels: Labels,
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
		labels: fields.labels.default({}),
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
