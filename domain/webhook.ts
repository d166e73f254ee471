import { z } from 'zod';
import { HttpUrl } from './address.ts';
import { editable, Id, Name, Time } from './common.ts';

/**
 * What a webhook can be told of. `notification` is what a person's own is told; `ping` is sent when somebody tries one out. Neither
 * can be chosen.
 */
export const WebhookEvent = z.enum([
	'run.queued',
	'run.needs_approval',
	'run.started',
	'run.ended',
	'incident.opened',
	'incident.changed',
	'postmortem.published',
	'freeze.changed',
	'notification',
	'ping',
]);
export type WebhookEvent = z.infer<typeof WebhookEvent>;
export const ChosenEvent = WebhookEvent.exclude(['notification', 'ping']);

/** `disabled` is the hub's own word: it gave up on it. */
export const WebhookStatus = z.enum(['active', 'paused', 'disabled']);
export type WebhookStatus = z.infer<typeof WebhookStatus>;

/**
 * A program elsewhere that is told what happens: in one project, in all (`project_id` null), or what one person is told of
 * (`user_id`; what, they chose with their notifications).
 */
export const Webhook = z.object({
	id: Id,
	project_id: Id.nullable(),
	user_id: Id.nullable(),
	name: z.string(),
	url: z.string(),
	events: z.array(ChosenEvent),
	status: WebhookStatus,
	/** Why the hub gave up: it failed for too long, said itself that it is gone, or came with an archive and without its secret. */
	disabled_reason: z.enum(['failing', 'gone', 'archived']).nullable(),
	/** Since when nothing has arrived there; null while it works. */
	failing_since: Time.nullable(),
	last_success_at: Time.nullable(),
	...editable,
});
export type Webhook = z.infer<typeof Webhook>;

/** With what it signs, for the one time that it is shown. */
export const WebhookWithSecret = z.object({ ...Webhook.shape, secret: z.string() });
export type WebhookWithSecret = z.infer<typeof WebhookWithSecret>;

const fields = {
	name: Name(120),
	url: HttpUrl,
	events: z
		.array(ChosenEvent)
		.min(1)
		.refine((events) => new Set(events).size === events.length, 'must not name one twice'),
	status: WebhookStatus.exclude(['disabled']),
};

export const WebhookCreate = z.strictObject({
	...fields,
	/** Said outright, so that nobody listens to everything by leaving it out. */
	project_id: Id.nullable(),
	status: fields.status.default('active'),
});
export type WebhookCreate = z.infer<typeof WebhookCreate>;

export const WebhookPatch = z.strictObject(fields).partial();
/** A person's own. */
export const OwnWebhookCreate = z.strictObject({ url: fields.url });
export type OwnWebhookCreate = z.infer<typeof OwnWebhookCreate>;
export type WebhookPatch = z.infer<typeof WebhookPatch>;

export const DeliveryStatus = z.enum(['pending', 'delivered', 'failed']);
export type DeliveryStatus = z.infer<typeof DeliveryStatus>;

/** Why an attempt failed, where no status says it. */
export const DeliveryError = z.enum([
	'timeout',
	'unreachable',
	'address',
	'redirect',
	'refused',
	'no_secret',
	'not_allowed', // its person may no longer see what it would be told
]);
export type DeliveryError = z.infer<typeof DeliveryError>;

export const DeliveryAttempt = z.object({
	at: Time,
	/** Of the answer; null when there was none. */
	status: z.int().nullable(),
	ms: z.int(),
	error: DeliveryError.nullable(),
	/** The beginning of the answer. */
	excerpt: z.string(),
});
export type DeliveryAttempt = z.infer<typeof DeliveryAttempt>;

export const WebhookDelivery = z.object({
	id: Id,
	webhook_id: Id,
	/** What it is called on the way (`webhook-id`): the same at each attempt, so that a receiver can tell a repetition. */
	key: z.string(),
	event: WebhookEvent,
	status: DeliveryStatus,
	/** What is sent. */
	payload: z.record(z.string(), z.unknown()),
	/** The latest of them. */
	attempts: z.array(DeliveryAttempt),
	/** How often it was tried since it was enqueued or replayed. */
	tries: z.int(),
	/** When it is tried next; null when it is over. */
	next_at: Time.nullable(),
	created_at: Time,
});
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How long after each failure it is tried again; after the last of them it is given up. */
const BACK_OFF_MS = [
	MINUTE_MS,
	5 * MINUTE_MS,
	30 * MINUTE_MS,
	2 * HOUR_MS,
	6 * HOUR_MS,
	12 * HOUR_MS,
	24 * HOUR_MS,
] as const;

/** When it is tried again after that many tries that all failed; null: not any more. */
export function nextTry(tries: number, now: number): number | null {
	const wait = BACK_OFF_MS[tries - 1];
	return wait === undefined ? null : now + wait;
}

/** A webhook where nothing arrived for so long is turned off. */
export const FAILING_MAX_MS = 48 * HOUR_MS;
