import type { Channel, ToldEvent } from '#domain/notification.ts';
import type { Words } from '#lib/i18n/words.ts';
import { m } from '#lib/paraglide/messages.js';

export const toldEvent: Words<ToldEvent> = {
	'run.failed': m.notification_event_run_failed,
	'run.ended': m.notification_event_run_ended,
	'project.run_failed': m.notification_event_project_run_failed,
	'run.needs_approval': m.webhook_event_run_needs_approval,
	'run.decided': m.notification_event_run_decided,
	'incident.opened': m.notification_event_incident_opened,
	'incident.role': m.notification_event_incident_role,
	'action.due': m.notification_event_action_due,
	'agent.offline': m.notification_event_agent_offline,
};

export const channel: Words<Channel> = {
	page: m.channel_page,
	browser: m.channel_browser,
	webhook: m.channel_webhook,
};
