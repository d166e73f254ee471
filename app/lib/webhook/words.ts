import type { DeliveryError, DeliveryStatus, Webhook, WebhookEvent, WebhookStatus } from '#domain/webhook.ts';
import { m } from '#lib/paraglide/messages.js';

type Tone = 'neutral' | 'success' | 'warning' | 'danger' | 'info';

export const webhookEvent: Record<WebhookEvent, () => string> = {
	'run.queued': m.webhook_event_run_queued,
	'run.needs_approval': m.webhook_event_run_needs_approval,
	'run.started': m.webhook_event_run_started,
	'run.ended': m.webhook_event_run_ended,
	'incident.opened': m.webhook_event_incident_opened,
	'incident.changed': m.webhook_event_incident_changed,
	'postmortem.published': m.webhook_event_postmortem_published,
	'freeze.changed': m.webhook_event_freeze_changed,
	notification: m.notifications,
	ping: m.webhook_event_ping,
};

export const webhookStatus: Record<WebhookStatus, { word: () => string; tone: Tone }> = {
	active: { word: m.webhook_active, tone: 'success' },
	paused: { word: m.webhook_paused, tone: 'neutral' },
	disabled: { word: m.webhook_disabled, tone: 'danger' },
};

/** Why the hub gave up on it. */
export const webhookDisabled: Record<NonNullable<Webhook['disabled_reason']>, () => string> = {
	failing: m.webhook_disabled_failing,
	gone: m.webhook_disabled_gone,
	archived: m.webhook_disabled_archived,
};

export const deliveryStatus: Record<DeliveryStatus, { word: () => string; tone: Tone }> = {
	pending: { word: m.delivery_pending, tone: 'info' },
	delivered: { word: m.delivery_delivered, tone: 'success' },
	failed: { word: m.delivery_failed, tone: 'danger' },
};

export const deliveryError: Record<DeliveryError, () => string> = {
	timeout: m.delivery_error_timeout,
	unreachable: m.delivery_error_unreachable,
	address: m.delivery_error_address,
	redirect: m.delivery_error_redirect,
	refused: m.delivery_error_refused,
	no_secret: m.delivery_error_no_secret,
	not_allowed: m.delivery_error_not_allowed,
};
