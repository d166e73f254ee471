import { z } from 'zod';
import { HttpUrl } from './address.ts';
import { editable, Id, Name } from './common.ts';
import { DomainError, invalid } from './errors.ts';
import { nameOf, orNull, text, timeOf } from './foreign.ts';
import { AlertStatus } from './incident-entry.ts';
import { IncidentStatus, Severity } from './incident.ts';

/** What sends alerts. Centreon has no payload of its own: a notification command of it sends what is read here. */
export const AlertSourceKind = z.enum(['alertmanager', 'grafana', 'centreon', 'generic']);
export type AlertSourceKind = z.infer<typeof AlertSourceKind>;

/** A place where alerts come in, each with a key of its own in its address. */
export const AlertSource = z.object({
	id: Id,
	project_id: Id,
	environment_id: Id.nullable(),
	name: z.string(),
	kind: AlertSourceKind,
	/** Of incidents whose alert says nothing of it. */
	severity: Severity,
	...editable,
});
export type AlertSource = z.infer<typeof AlertSource>;

/** With the path that opens it, for the one time that it is shown. */
export const AlertSourceWithPath = z.object({ ...AlertSource.shape, path: z.string() });
export type AlertSourceWithPath = z.infer<typeof AlertSourceWithPath>;

export const AlertSourceCreate = z.strictObject({
	name: Name(120),
	kind: AlertSourceKind,
	environment_id: Id.nullable().default(null),
	severity: Severity.default('medium'),
});
export type AlertSourceCreate = z.infer<typeof AlertSourceCreate>;

/** There are so few that they are one page. */
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

/** Of a delivery with more, the first. */
export const ALERTS_MAX = 200;
const IDENTITY_MAX = 2_000;
const LABELS_MAX = 50;

const severities: Record<string, Severity> = {
	critical: 'critical',
	disaster: 'critical',
	emergency: 'critical',
	page: 'critical',
	p1: 'critical',
	down: 'critical',
	high: 'high',
	error: 'high',
	major: 'high',
	p2: 'high',
	unreachable: 'high',
	medium: 'medium',
	warning: 'medium',
	average: 'medium',
	p3: 'medium',
	low: 'low',
	minor: 'low',
	info: 'low',
	p4: 'low',
};
const severityOf = (word: string | null | undefined): Severity | null => {
	const known = (word ?? '').trim().toLowerCase();
	return Object.hasOwn(severities, known) ? (severities[known] ?? null) : null;
};

/** A name, or text that may stand in its place. */
const titleOf = (...from: (string | null | undefined)[]): string =>
	from.map((one) => nameOf(one, 160)).find((name) => name !== null) ?? 'Alert';

const Labels = z
	.record(z.string(), z.unknown())
	.catch({})
	.transform(
		(all) =>
			new Map(
				Object.entries(all)
					.filter((label): label is [string, string] => typeof label[1] === 'string')
					.sort(([a], [b]) => (a < b ? -1 : 1))
					.slice(0, LABELS_MAX),
			),
	);

/** Version 4 of Alertmanager's webhook; Grafana's is the same, and more. */
const Told = z
	.object({
		status: AlertStatus,
		labels: Labels,
		annotations: Labels,
		startsAt: text,
		endsAt: text,
		generatorURL: text,
		fingerprint: text,
	})
	.transform(({ status, labels, annotations, startsAt, endsAt, generatorURL, fingerprint }): Alert => {
		const name = labels.get('alertname');
		const identity = fingerprint || (labels.size > 0 ? JSON.stringify([...labels]) : null);
		return {
			identity: identity || titleOf(annotations.get('summary')),
			status,
			title: titleOf(annotations.get('summary'), name, annotations.get('description')),
			severity: severityOf(labels.get('severity')),
			at: timeOf(status === 'firing' ? startsAt : endsAt),
			url: orNull(HttpUrl, annotations.get('runbook_url')) ?? orNull(HttpUrl, generatorURL),
		};
	});

const Generic = z
	.object({ title: Name(160), status: AlertStatus.default('firing'), key: text, severity: text, at: text, url: text })
	.transform(({ title, status, key, severity, at, url }): Alert => ({
		identity: key || title,
		status,
		title,
		severity: severityOf(severity),
		at: timeOf(at),
		url: orNull(HttpUrl, url),
	}));

const good = ['OK', 'UP'];
/** What stands in Centreon's macros: `$HOSTNAME$`, `$SERVICEDESC$`, `$SERVICESTATE$` or `$HOSTSTATE$`, `$SERVICEOUTPUT$`, `$TIMET$`. */
const Centreon = z
	.object({
		host: Name(255),
		service: text,
		state: z.enum(['OK', 'UP', 'WARNING', 'CRITICAL', 'UNKNOWN', 'DOWN', 'UNREACHABLE']),
		output: text,
		time: z.union([z.number(), z.string()]).nullish().catch(null),
		url: text,
	})
	.transform(({ host, service, state, output, time, url }): Alert => {
		const what = service ? `${host} ${service}` : host;
		const seconds = Number(time);
		return {
			identity: service ? `${host}/${service}` : host,
			status: good.includes(state) ? 'resolved' : 'firing',
			title: titleOf(output ? `${what}: ${output}` : what, what),
			severity: severityOf(state),
			at: seconds > 0 && seconds < 253_402_300_800 ? timeOf(new Date(seconds * 1000).toISOString()) : null,
			url: orNull(HttpUrl, url),
		};
	});

const several = z.object({ alerts: z.array(z.unknown()) });
const readers: Record<AlertSourceKind, { of: z.ZodType<Alert>; alone: boolean }> = {
	alertmanager: { of: Told, alone: false },
	grafana: { of: Told, alone: false },
	centreon: { of: Centreon, alone: true },
	generic: { of: Generic, alone: true },
};

const refusal = (issues: z.core.$ZodIssue[], below: string) =>
	new DomainError('invalid', 'The request is not valid.', {
		errors: issues
			.slice(0, 10)
			.map(({ path, message }) => ({ path: [below, ...path.map(String)].filter(Boolean).join('.'), message })),
	});

/**
 * The alerts of a delivery, and how many were left out. What has none that can be read is refused; of an alert that is told of twice, the
 * later word counts.
 */
export function readAlerts(kind: AlertSourceKind, body: unknown): { alerts: Alert[]; left_out: number } {
	const { of, alone } = readers[kind];
	const list = several.safeParse(body);
	if (!list.success && !alone) throw refusal(list.error.issues, '');
	const told = list.data?.alerts ?? [body];
	const read = told.slice(0, ALERTS_MAX).map((one) => of.safeParse(one));
	const bad = read.findIndex(({ success }) => !success);
	if (told.length > 0 && read.every(({ success }) => !success))
		throw read[bad]?.error
			? refusal(read[bad].error.issues, list.success ? `alerts.${String(bad)}` : '')
			: invalid('alerts', 'has nothing that can be read');
	const latest = new Map<string, Alert>();
	for (const { data } of read) {
		if (!data) continue;
		const alert = { ...data, identity: data.identity.slice(0, IDENTITY_MAX) };
		const known = latest.get(alert.identity);
		if (!known || (known.at ?? '') <= (alert.at ?? '')) latest.set(alert.identity, alert);
	}
	return { alerts: [...latest.values()], left_out: told.length - read.filter(({ success }) => success).length };
}

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
