import { z } from 'zod';
import { ApprovalDecision } from './approval.ts';
import { Id, Time } from './common.ts';
import { IncidentRole, Severity } from './incident.ts';
import { MailState } from './mail.ts';
import { QuietHours } from './quiet-hours.ts';
import { RunStatus } from './run.ts';
import { Unread } from './unread.ts';
import type { Role } from './user.ts';
import { Webhook } from './webhook.ts';

/** What a person can be told of. `test` is what they send themselves, and can be chosen by nobody. */
export const NotificationEvent = z.enum([
	'run.failed', // one's own run failed, or was lost
	'run.ended', // one's own run ended otherwise
	'project.run_failed', // somebody else's run failed
	'run.needs_approval', // one may approve what somebody asks for
	'run.decided', // others decided on what one asked for
	'run.missed', // a job of one's own was to start, and the time for it went by
	'incident.opened',
	'incident.role', // one was made commander, scribe or comms
	'action.due', // an action of one's own, of a post-mortem
	'agent.offline',
	'test',
]);
export type NotificationEvent = z.infer<typeof NotificationEvent>;
export const ToldEvent = NotificationEvent.exclude(['test']);
export type ToldEvent = z.infer<typeof ToldEvent>;

/** How they are told: the list behind the bell, the browser while a page is open, an e-mail, a signed POST to a program of theirs. */
export const Channel = z.enum(['page', 'browser', 'mail', 'webhook']);
export type Channel = z.infer<typeof Channel>;

const none: readonly Channel[] = [];
const page: readonly Channel[] = ['page'];
const rings: readonly Channel[] = ['page', 'browser'];

/** What is told to whom has chosen nothing else. An event that a role is never told of is not for it to choose. */
export const defaultChannels: Readonly<Record<ToldEvent, Partial<Record<Role, readonly Channel[]>>>> = {
	'run.failed': { admin: rings, projets: rings, dev: rings, ops: rings },
	'run.ended': { admin: none, projets: none, dev: none, ops: none },
	'project.run_failed': { admin: none, projets: page, dev: none, ops: page },
	'run.needs_approval': { admin: rings, ops: rings },
	'run.decided': { admin: rings, projets: rings, dev: rings, ops: rings },
	'run.missed': { admin: rings, projets: rings, dev: rings, ops: rings },
	'incident.opened': { admin: rings, projets: rings, dev: rings, ops: rings },
	'incident.role': { admin: rings, projets: rings, dev: rings, ops: rings },
	'action.due': { admin: rings, projets: rings, dev: rings, ops: rings },
	'agent.offline': { admin: rings },
};

/** The events a role may choose. */
export const eventsFor = (role: Role): ToldEvent[] =>
	ToldEvent.options.filter((event) => defaultChannels[event][role] !== undefined);

/** Events that are about a project, not about what is one's own: told of the projects a person chose. */
export const followed: ReadonlySet<ToldEvent> = new Set(['project.run_failed', 'incident.opened']);

/** What is told of a thing, as it was when it happened. */
export const NotificationAbout = z.object({
	/** Of the job, the incident or the action; an agent's name. */
	title: z.string(),
	project: z.string().nullable(),
	status: RunStatus.optional(),
	decision: ApprovalDecision.optional(),
	severity: Severity.optional(),
	role: IncidentRole.optional(),
	/** The incident whose post-mortem the action is of. */
	incident_id: Id.optional(),
});
export type NotificationAbout = z.infer<typeof NotificationAbout>;

export const NotificationObject = z.enum(['Run', 'Incident', 'ActionItem', 'Agent', 'User']);
export type NotificationObject = z.infer<typeof NotificationObject>;

export const Notification = z.object({
	id: Id,
	event: NotificationEvent,
	project_id: Id.nullable(),
	object_type: NotificationObject,
	object_id: Id,
	about: NotificationAbout,
	/** Whether the browser is to show it too, while a page is open. */
	browser: z.boolean(),
	created_at: Time,
	read_at: Time.nullable(),
});
export type Notification = z.infer<typeof Notification>;

/** A page of them, and how many in all are unread. */
export const NotificationPage = z.object({
	items: z.array(Notification),
	next_cursor: z.string().nullable(),
	...Unread.shape,
});
export type NotificationPage = z.infer<typeof NotificationPage>;

/** Which were read: these, or all up to one. What came afterwards was not seen. */
export const NotificationsRead = z.union([
	z.strictObject({ ids: z.array(Id).min(1).max(200) }),
	z.strictObject({ up_to: Id }),
]);
export type NotificationsRead = z.infer<typeof NotificationsRead>;

const Channels = z
	.array(Channel)
	.max(Channel.options.length)
	.refine((channels) => new Set(channels).size === channels.length, 'must not name one twice');

/** What a person chose. An event that is left out follows the default of their role. */
export const NotificationChoice = z.strictObject({
	channels: z.partialRecord(ToldEvent, Channels).default({}),
	/** The projects whose runs and incidents are told of; null: all that they may see. */
	projects: z
		.array(Id)
		.max(200)
		.refine((ids) => new Set(ids).size === ids.length, 'must not name one twice')
		.nullable()
		.default(null),
	/** Incidents are told of from this severity on. */
	severity: Severity.default('medium'),
	/** When no browser and no mail is to disturb. */
	quiet: QuietHours.nullable().default(null),
});
export type NotificationChoice = z.infer<typeof NotificationChoice>;

/** What a person is told of and how, with what there is to tell them by. */
export const NotificationPreferences = z.object({
	...NotificationChoice.shape,
	/** Of each event one may choose, as it is now. */
	channels: z.partialRecord(ToldEvent, z.array(Channel)),
	projects: z.array(Id).nullable(),
	severity: Severity,
	quiet: QuietHours.nullable(),
	webhook: Webhook.nullable(),
	mail: MailState,
});
export type NotificationPreferences = z.infer<typeof NotificationPreferences>;

/** The address in the app where one looks at it. */
export function placeOf({ object_type, object_id, about }: Pick<Notification, 'object_type' | 'object_id' | 'about'>) {
	switch (object_type) {
		case 'Run':
			return `/runs/${String(object_id)}`;
		case 'Incident':
			return `/incidents/${String(object_id)}`;
		case 'ActionItem':
			return `/incidents/${String(about.incident_id ?? 0)}/postmortem`;
		case 'Agent':
			return `/fleet/${String(object_id)}`;
		case 'User':
			return PREFERENCES_AT;
	}
}

/** Where one says what one wants to be told of. */
export const PREFERENCES_AT = '/profile/notifications';

/** What is kept for one person: older ones go. */
export const NOTIFICATIONS_MAX = 500;
