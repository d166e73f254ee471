import type { MailError, MailStatus } from '#domain/mail.ts';
import type { Channel, ToldEvent } from '#domain/notification.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const toldEvent: Words<ToldEvent> = {
	'run.failed': m.notification_event_run_failed,
	'run.ended': m.notification_event_run_ended,
	'project.run_failed': m.notification_event_project_run_failed,
	'run.needs_approval': m.webhook_event_run_needs_approval,
	'run.decided': m.notification_event_run_decided,
	'run.missed': m.notification_event_run_missed,
	'incident.opened': m.notification_event_incident_opened,
	'incident.role': m.notification_event_incident_role,
	'action.due': m.notification_event_action_due,
	'agent.offline': m.notification_event_agent_offline,
};

export const channel: Words<Channel> = {
	page: m.channel_page,
	browser: m.channel_browser,
	mail: m.channel_mail,
	webhook: m.channel_webhook,
};

export const mailStatus: Record<MailStatus, { word: () => string; tone: 'info' | 'success' | 'danger' }> = {
	pending: { word: m.mail_pending, tone: 'info' },
	sent: { word: m.mail_sent, tone: 'success' },
	failed: { word: m.mail_failed, tone: 'danger' },
};

export const mailError: Words<MailError> = {
	no_address: m.mail_error_no_address,
	not_allowed: m.mail_error_not_allowed,
	no_agent: m.mail_error_no_agent,
	policy: m.mail_error_policy,
	recipient: m.mail_error_recipient,
	auth: m.mail_error_auth,
	tls: m.mail_error_tls,
	refused: m.mail_error_refused,
	unreachable: m.mail_error_unreachable,
	timeout: m.mail_error_timeout,
	uncertain: m.mail_error_uncertain,
	busy: m.mail_error_busy,
};
