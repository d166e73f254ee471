import { z } from 'zod';
import { Id } from '#domain/common.ts';

// What this program reads of the API's rows. The rest passes as it is: --json prints all that the hub said, and a hub that is newer than
// this file, with more fields and more words in them, is understood too.

const text = z.string();
const maybe = text.nullable();
const strings = z.record(text, text);

export const pageOf = <S extends z.ZodType>(item: S) => z.looseObject({ items: z.array(item), next_cursor: maybe });

export const User = z.looseObject({ username: text, display_name: maybe, role: text });

export const Project = z.looseObject({
	id: Id,
	name: text,
	description: maybe,
	status: text,
	execution_backend: maybe,
	access: text,
	created_at: text,
});
export type Project = z.infer<typeof Project>;

export const Environment = z.looseObject({ id: Id, name: text, type: text });
export type Environment = z.infer<typeof Environment>;

export const Script = z.looseObject({ id: Id, name: text });
export type Script = z.infer<typeof Script>;

/** In a list. */
export const JobItem = z.looseObject({
	id: Id,
	project_id: Id,
	title: text,
	job_type: text,
	status: text,
	priority: text,
	planned_start: maybe,
});
export type JobItem = z.infer<typeof JobItem>;

const Recurrence = z.looseObject({ rrule: text, time_zone: text, exdates: z.array(text) });
export type Recurrence = z.infer<typeof Recurrence>;

export const Job = JobItem.extend({
	version: z.number(),
	auto_start: z.boolean(),
	recurrence: Recurrence.nullable(),
	environment_id: Id.nullable(),
	description: maybe,
	planned_end: maybe,
	tags: z.array(text),
	labels: strings,
	timeout_s: z.number(),
	script_ids: z.array(Id),
});
export type Job = z.infer<typeof Job>;

export const JobTemplate = z.looseObject({ hub: text, serial: z.number(), template: z.record(text, z.unknown()) });
export const JobSignature = z.looseObject({ key: text, not_after: maybe });

const Reason = z.looseObject({ code: text, message: text });

const run = {
	id: Id,
	job_id: Id,
	environment_id: Id.nullable(),
	agent_id: Id.nullable(),
	status: text,
	phase: text,
	reason: Reason.nullable(),
	exit_code: z.number().nullable(),
	attempt: z.number(),
	note: maybe,
	requested_at: text,
	started_at: maybe,
	finished_at: maybe,
	duration: z.number().nullable(),
	log_bytes: z.number(),
	log_lines: z.number(),
};

/** In a list. */
export const RunItem = z.looseObject({ ...run, job_title: text });

export const Run = z.looseObject({ ...run, parameters: z.record(text, z.unknown()) });
export type Run = z.infer<typeof Run>;

export const Incident = z.looseObject({
	id: Id,
	project_id: Id,
	environment_id: Id.nullable(),
	title: text,
	description: maybe,
	severity: text,
	status: text,
	detected_at: text,
	acknowledged_at: maybe,
	mitigated_at: maybe,
	resolved_at: maybe,
	closed_at: maybe,
	mttr: z.number().nullable(),
});
export type Incident = z.infer<typeof Incident>;

export const Entry = z.looseObject({ incident_id: Id, at: text, body: text });

export const Agent = z.looseObject({
	id: Id,
	name: text,
	status: text,
	capacity: z.number(),
	agent_version: text,
	last_seen_at: maybe,
	labels: strings,
});

export const Token = z.looseObject({
	id: Id,
	name: text,
	scopes: z.array(text),
	expires_at: text,
	last_used_at: maybe,
	version: z.number(),
});
export type Token = z.infer<typeof Token>;

export const TokenMade = Token.extend({ token: text });
