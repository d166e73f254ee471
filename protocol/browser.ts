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
		'hub_secret',
		'alert_source',
		/** By its job's id. */
		'job_signature',
	]),
	id: Id,
	row: z.record(z.string(), z.unknown()).nullable(),
});
export type Change = z.infer<typeof Change>;
export type Entity = Change['entity'];

/** Somebody in the project, on one of its pages. `path` is the app's path, chosen by the person's own browser. */
export const Person = z.object({ connection: z.string(), user_id: Id, name: z.string(), path: z.string() });
export type Person = z.infer<typeof Person>;

/** A page that has been open for longer cannot say what it missed by its age. */
export const AGE_MAX_MS = 600_000;
const Age = z.int().min(0).max(AGE_MAX_MS);

export const FromBrowser = z.discriminatedUnion('type', [
	z.strictObject({
		type: z.literal('hello'),
		v: z.int(),
		/** The cursor it follows from; null: it has none yet. */
		since: z.int().min(0).nullable(),
		/** Without a cursor: the page may have loaded what it shows so many ms ago. Left out: it cannot say. */
		age: Age.optional(),
	}),
	z.strictObject({ type: z.literal('at'), path: z.string().max(300) }),
]);
export type FromBrowser = z.infer<typeof FromBrowser>;

export const ToBrowser = z.discriminatedUnion('type', [
	/** `reset`: what changed meanwhile cannot be told, or is too much: load the rows anew, then follow from `seq`. Else it follows. */
	z.object({ type: z.literal('welcome'), v: z.int(), seq: z.int().min(0), reset: z.boolean(), connection: z.string() }),
	z.object({ type: z.literal('changes'), changes: z.array(Change) }),
	z.object({ type: z.literal('people'), people: z.array(Person) }),
]);
export type ToBrowser = z.infer<typeof ToBrowser>;

// The JSON frames of /live/hub: what belongs to no project.

/** What of the hub can change while somebody looks at it. A page is told which kind did, and asks for what it shows of it. */
export const HubKind = z.enum([
	'user',
	'group',
	/** Which projects there are, or one may see. */
	'project',
	'agent',
	'host',
	'token',
	'session',
	'feed',
	'webhook',
	/** What a person is told, and how they chose to be. */
	'notification',
	'audit',
]);
export type HubKind = z.infer<typeof HubKind>;

/** Something of the hub changed. `user_id`: the person it is about; null: nobody in particular. */
export interface Touch {
	kind: HubKind;
	user_id: number | null;
}

export const FromHubPage = z.discriminatedUnion('type', [
	z.strictObject({
		type: z.literal('hello'),
		v: z.int(),
		/** The cursor it was told last; null: it has just loaded what it shows, `age` ms ago. */
		since: z.string().max(80).nullable(),
		age: Age,
	}),
]);
export type FromHubPage = z.infer<typeof FromHubPage>;

export const ToHubPage = z.discriminatedUnion('type', [
	z.object({ type: z.literal('welcome'), v: z.int() }),
	z.object({ type: z.literal('touched'), cursor: z.string(), kinds: z.array(HubKind) }),
]);
export type ToHubPage = z.infer<typeof ToHubPage>;

/** Sent as text to keep a half-open socket from looking alive; answered by `PONG` without waking anything. */
export const PING = 'ping';
export const PONG = 'pong';
