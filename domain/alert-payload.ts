import { z } from 'zod';
import { HttpUrl } from './address.ts';
import type { Alert, AlertSource, AlertSourceKind, Severities } from './alert.ts';
import { Name } from './common.ts';
import { DomainError, invalid } from './errors.ts';
import { nameOf, orNull, text, timeOf } from './foreign.ts';
import { AlertStatus } from './incident-entry.ts';
import { Severity } from './incident.ts';

// What Alertmanager, Grafana, Centreon and others send, as alerts.

/** How a source's deliveries are read. */
export type Reading = Pick<AlertSource, 'kind' | 'severities' | 'group_by'>;

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
/** The severity behind a word: as the source has it, else as the hub does; whatever its letters' case. */
const severityOf = (own: Severities, word: string | null): Severity | null => {
	const known = (word ?? '').trim().toLowerCase();
	const mine = Object.entries(own).find(([name]) => name.toLowerCase() === known)?.[1];
	return mine ?? (Object.hasOwn(severities, known) ? (severities[known] ?? null) : null);
};

/** An alert as its sender has it: its own word for how bad it is, and what it may be put together by. */
interface Read extends Omit<Alert, 'severity'> {
	word: string | null;
	labels: ReadonlyMap<string, string>;
}

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
	.transform(({ status, labels, annotations, startsAt, endsAt, generatorURL, fingerprint }): Read => {
		const name = labels.get('alertname');
		const identity = fingerprint || (labels.size > 0 ? JSON.stringify([...labels]) : null);
		return {
			identity: identity || titleOf(annotations.get('summary')),
			status,
			title: titleOf(annotations.get('summary'), name, annotations.get('description')),
			word: labels.get('severity') ?? null,
			labels,
			at: timeOf(status === 'firing' ? startsAt : endsAt),
			url: orNull(HttpUrl, annotations.get('runbook_url')) ?? orNull(HttpUrl, generatorURL),
		};
	});

const Generic = z
	.object({
		title: Name(160),
		status: AlertStatus.default('firing'),
		key: text,
		severity: text,
		labels: Labels,
		at: text,
		url: text,
	})
	.transform(({ title, status, key, severity, labels, at, url }): Read => ({
		identity: key || title,
		status,
		title,
		word: severity ?? null,
		labels,
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
	.transform(({ host, service, state, output, time, url }): Read => {
		const what = service ? `${host} ${service}` : host;
		const seconds = Number(time);
		return {
			identity: service ? `${host}/${service}` : host,
			status: good.includes(state) ? 'resolved' : 'firing',
			title: titleOf(output ? `${what}: ${output}` : what, what),
			word: state,
			labels: new Map([
				['host', host],
				['service', service ?? ''],
			]),
			at: seconds > 0 && seconds < 253_402_300_800 ? timeOf(new Date(seconds * 1000).toISOString()) : null,
			url: orNull(HttpUrl, url),
		};
	});

const several = z.object({ alerts: z.array(z.unknown()) });
const readers: Record<AlertSourceKind, { of: z.ZodType<Read>; alone: boolean }> = {
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
export function readAlerts(source: Reading, body: unknown): { alerts: Alert[]; left_out: number } {
	const { of, alone } = readers[source.kind];
	const list = several.safeParse(body);
	if (!list.success && !alone) throw refusal(list.error.issues, '');
	const told = list.data?.alerts ?? [body];
	const read = told.slice(0, ALERTS_MAX).map((one) => of.safeParse(one));
	const bad = read.findIndex(({ success }) => !success);
	if (told.length > 0 && read.every(({ success }) => !success))
		throw read[bad]?.error
			? refusal(read[bad].error.issues, list.success ? `alerts.${String(bad)}` : '')
			: invalid('alerts', 'has nothing that can be read');
	const latest = new Map<string, Read>();
	for (const { data } of read) {
		if (!data) continue;
		const identity = data.identity.slice(0, IDENTITY_MAX);
		const known = latest.get(identity);
		if (!known || (known.at ?? '') <= (data.at ?? '')) latest.set(identity, { ...data, identity });
	}
	const alerts = [...latest.values()].map(({ word, labels, ...alert }) => ({
		...alert,
		identity: identityOf(source.group_by, labels, alert.identity).slice(0, IDENTITY_MAX),
		severity: severityOf(source.severities, word),
	}));
	return {
		alerts: source.group_by.length === 0 ? alerts : gathered(alerts),
		left_out: told.length - read.filter(({ success }) => success).length,
	};
}

/** What an alert is told apart by: the labels that its source puts alerts together by, or, where it has none of them, what is its own. */
const identityOf = (group_by: readonly string[], labels: ReadonlyMap<string, string>, own: string): string =>
	group_by.some((name) => labels.get(name))
		? JSON.stringify(group_by.map((name) => [name, labels.get(name) ?? '']))
		: own;

/** Alerts of one identity as one: it fires while any of them does, as the worst of those and since the first. */
function gathered(alerts: readonly Alert[]): Alert[] {
	return [...Map.groupBy(alerts, ({ identity }) => identity).values()].flatMap((all) => {
		const firing = all.filter(({ status }) => status === 'firing');
		const [first, ...more] = (firing.length > 0 ? firing : all).toSorted((a, b) =>
			(a.at ?? '').localeCompare(b.at ?? ''),
		);
		if (!first) return [];
		if (first.status === 'resolved') return [more.at(-1) ?? first];
		const worst = [first, ...more].toSorted((a, b) => rankOf(b) - rankOf(a))[0] ?? first;
		return [{ ...worst, at: first.at }];
	});
}

const rankOf = ({ severity }: Alert): number => (severity === null ? -1 : Severity.options.indexOf(severity));
