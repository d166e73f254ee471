import { z } from 'zod';
import { Id } from '#domain/common.ts';

// The JSON frames of /live/projects/{id}. The frames of /live/runs/{id} are binary: run-frames.ts.

/** A row changed, or is gone (`row: null`). `seq` is the room's cursor: `hello {since: seq}` resumes after it. */
export const Change = z.object({
	seq: z.int().min(1),
	entity: z.enum([
		'project',
		'environment',
		'job',
		'event',
		'run',
		'script',
		'agent',
		'freeze',
		'incident',
		'incident_entry',
		'incident_link',
		'postmortem',
		'action_item',
		'repo',
		'change',
		'inventory',
		'terraform_plan',
		'cluster',
		'metric_ref',
		'webhook',
	]),
	id: Id,
	row: z.record(z.string(), z.unknown()).nullable(),
});
export type Change = z.infer<typeof Change>;
export type Entity = Change['entity'];

/** Somebody in the project, on one of its pages. `path` is the app's path, chosen by the person's own browser. */
export const Person = z.object({ connection: z.string(), user_id: Id, name: z.string(), path: z.string() });
export type Person = z.infer<typeof Person>;

export const FromBrowser = z.discriminatedUnion('type', [
	z.strictObject({ type: z.literal('hello'), v: z.int(), since: z.int().min(0).nullable() }),
	z.strictObject({ type: z.literal('at'), path: z.string().max(300) }),
]);
export type FromBrowser = z.infer<typeof FromBrowser>;

export const ToBrowser = z.discriminatedUnion('type', [
	/** `reset`: the cursor is too old (or none was given): load the rows anew, then follow from `seq`. */
	z.object({ type: z.literal('welcome'), v: z.int(), seq: z.int().min(0), reset: z.boolean(), connection: z.string() }),
	z.object({ type: z.literal('changes'), changes: z.array(Change) }),
	z.object({ type: z.literal('people'), people: z.array(Person) }),
]);
export type ToBrowser = z.infer<typeof ToBrowser>;

/** Sent as text to keep a half-open socket from looking alive; answered by `PONG` without waking anything. */
export const PING = 'ping';
export const PONG = 'pong';
