import { z } from 'zod';
import { editable, Id, Name } from './common.ts';
import { HubSecretRef } from './hub-secret.ts';
import { AlertStatus } from './incident-entry.ts';
import { IncidentStatus, Severity } from './incident.ts';

/** What sends alerts. Centreon has no payload of its own: a notification command of it sends what is read here. */
export const AlertSourceKind = z.enum(['alertmanager', 'grafana', 'centreon', 'generic']);
export type AlertSourceKind = z.infer<typeof AlertSourceKind>;

/** What a source says of severity, in words of its own, and the incident's for each. */
export const Severities = z
	.record(z.string(), Severity)
	.refine((all) => Object.keys(all).length <= 50, 'at most 50 words')
	.superRefine((all, ctx) => {
		// As a key's own schema it would only be said that the key is invalid, not why.
		const wrong = Object.keys(all).find((word) => !/^[\p{L}\p{N}._-]{1,60}$/u.test(word));
		if (wrong !== undefined)
			ctx.addIssue({ code: 'custom', path: [wrong], message: 'expected letters, digits and . _ - (at most 60)' });
	});
export type Severities = z.infer<typeof Severities>;

/** A place where alerts come in, each with a key of its own in its address. */
export const AlertSource = z.object({
	id: Id,
	project_id: Id,
	environment_id: Id.nullable(),
	name: z.string(),
	kind: AlertSourceKind,
	/** Of incidents whose alert says nothing of it, or a word that nobody knows. */
	severity: Severity,
	/** Words of its own, before those that the hub knows. */
	severities: Severities,
	/** Alerts that share these labels are one incident; empty: each alert is one. */
	group_by: z.array(z.string()),
	/** The key that its deliveries have to be signed with; null: the key in the address is enough. */
	secret_ref: z.string().nullable(),
	...editable,
});
export type AlertSource = z.infer<typeof AlertSource>;

/** With the path that opens it, for the one time that it is shown. */
export const AlertSourceWithPath = z.object({ ...AlertSource.shape, path: z.string() });
export type AlertSourceWithPath = z.infer<typeof AlertSourceWithPath>;

const fields = {
	name: Name(120),
	environment_id: Id.nullable(),
	severity: Severity,
	severities: Severities,
	group_by: z
		.array(Name(100))
		.max(10)
		.refine((names) => new Set(names).size === names.length, 'must not name one twice'),
	/** Of a Grafana alone: no other signs what it sends. */
	secret_ref: HubSecretRef.nullable(),
};

export const AlertSourceCreate = z.strictObject({
	...fields,
	kind: AlertSourceKind,
	environment_id: fields.environment_id.default(null),
	severity: fields.severity.default('medium'),
	severities: fields.severities.default({}),
	group_by: fields.group_by.default([]),
	secret_ref: fields.secret_ref.default(null),
});
export type AlertSourceCreate = z.infer<typeof AlertSourceCreate>;

/** What sends to it never changes: another kind is another source, with another address. */
export const AlertSourcePatch = z.strictObject(fields).partial();
export type AlertSourcePatch = z.infer<typeof AlertSourcePatch>;

/** A project's, at most. */
export const ALERT_SOURCES_MAX = 50;
export const AlertKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

export interface Alert {
	/** What tells it from the others of its source, however often it is told. */
	identity: string;
	status: AlertStatus;
	title: string;
	severity: Severity | null;
	/** Since when it is so; null where it is not said. */
	at: string | null;
	url: string | null;
}

/** What became of a delivery. */
export const AlertsTaken = z.object({
	/** Incidents that were opened. */
	opened: z.int().min(0),
	/** Open incidents whose timeline has a new line. */
	noted: z.int().min(0),
	/** Told before, or over before anything was opened. */
	ignored: z.int().min(0),
	/** Beyond what is taken at once, or not to be read. */
	left_out: z.int().min(0),
});
export type AlertsTaken = z.infer<typeof AlertsTaken>;

export const AlertPreviewed = z.strictObject({ payload: z.unknown() });
/** What a delivery would do. */
export const AlertPreview = z.object({
	taken: AlertsTaken,
	alerts: z.array(
		z.object({
			title: z.string(),
			status: AlertStatus,
			severity: Severity,
			/** The incident's `dedupe_key`. */
			key: z.string(),
			does: z.enum(['open', 'note', 'ignore', 'leave_out']),
			/** The open one that it is about. */
			incident: z.object({ id: Id, status: IncidentStatus }).nullable(),
		}),
	),
});
export type AlertPreview = z.infer<typeof AlertPreview>;

const SHORT = /^[\w.:/-]{1,120}$/;
/** An incident's `dedupe_key`: two sources never share one. `hashed` is what stands for an identity that is long or has other characters. */
export const keyOf = (source: { id: number; kind: AlertSourceKind }, identity: string, hashed: string): string =>
	`${source.kind}-${String(source.id)}:${SHORT.test(identity) ? identity : hashed}`;

/** What was last told of an open incident, and by its alert. */
export interface LastTold {
	status: AlertStatus;
	at: string;
}

/** Of what is said to have begun longer ago than this, in milliseconds, nobody knows when it did. */
const LONGEST_AGO_MS = 30 * 86_400_000;

/** When an alert's word is of, as ISO 8601: null where it does not say, or nonsense; never later than `now`. */
export function momentOf(said: string | null, now: number): string | null {
	if (said === null || Date.parse(said) < now - LONGEST_AGO_MS) return null;
	return Date.parse(said) > now ? new Date(now).toISOString() : said;
}

/**
 * The moment of what an alert has to say of an open incident; null where that was said before. One that fires again after it was over may
 * name its first beginning, as Alertmanager does: then it is now. That it is over, of before it fired again, comes late.
 */
export function newsOf(last: LastTold | null, alert: { status: AlertStatus; at: string }, now: string): string | null {
	if (last === null || alert.at >= last.at) return last?.status === alert.status ? null : alert.at;
	return alert.status === 'firing' && last.status === 'resolved' ? now : null;
}
