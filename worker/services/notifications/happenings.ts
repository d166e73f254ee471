import { sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import type { NotificationEvent, NotificationObject } from '#domain/notification.ts';
import { IncidentRole, Severity } from '#domain/incident.ts';
import type { ApprovalDecision } from '#domain/approval.ts';
import { finalRunStatuses } from '#domain/run.ts';
import type { AuditEntry } from '../commit.ts';
import { mayApprove } from '../runs/may-approve.ts';

/**
 * Something that people may be told of, as SQL: over the row it is about (`it`), right after the change, and over each person who might
 * be told (`reader`).
 */
export interface Happening {
	event: NotificationEvent;
	object_type: NotificationObject;
	/** The row, or rows, with what is said of them. */
	from: SQL;
	where: SQL;
	/** The project whose people alone may be told; null: what belongs to none. */
	project: SQL;
	about: SQL;
	/** The same for the same thing, however often it is told. */
	key: SQL;
	whom: SQL;
}

const run = {
	object_type: 'Run',
	from: sql.raw('runs it join jobs on jobs.id = it.job_id join projects home on home.id = it.project_id'),
	project: sql.raw('it.project_id'),
	about: sql.raw(`json_object('title', jobs.title, 'project', home.name, 'status', it.status)`),
	key: sql.raw(`'run ' || it.id || ' ended'`),
} as const;

const asked = (id: SQL): Happening => ({
	...run,
	event: 'run.needs_approval',
	where: sql`it.id = ${id} and it.status = 'queued' and it.approvals_missing > 0`,
	key: sql.raw(`'run ' || it.id || ' asks'`),
	whom: sql`${mayApprove(sql.raw('reader'), sql.raw('it'))}`,
});

const decided = (id: SQL, decision: ApprovalDecision): Happening => ({
	...run,
	event: 'run.decided',
	where: sql`it.id = ${id}`,
	about: sql`json_object('title', jobs.title, 'project', home.name, 'decision', ${decision})`,
	key: sql`'run ' || it.id || ' ' || ${decision} || ' ' || it.approvals_missing`,
	whom: sql.raw('reader.id = it.triggered_by_id'),
});

const incident = {
	object_type: 'Incident',
	from: sql.raw('incidents it join projects home on home.id = it.project_id'),
	project: sql.raw('it.project_id'),
} as const;

/** Each severity with those that it is at least. */
const reaches = Severity.options.map((severity, i) => ({ severity, least: Severity.options.slice(0, i + 1) }));
const severeEnough = sql.raw(
	`case it.severity ${reaches
		.map(({ severity, least }) => `when '${severity}' then reader.severity in (${least.map((l) => `'${l}'`).join()})`)
		.join(' ')} end`,
);

/** Whoever canceled it knows. */
const notCanceledByThem = sql.raw(`not exists (select 1 from audit_logs canceled where canceled.object_type = 'Run'
	and canceled.object_id = it.id and canceled.action = 'run.cancel' and canceled.user_id = reader.id)`);

const Ended = z.object({ status: z.enum(finalRunStatuses), reason: z.string().nullish() });

function ended(id: SQL, metadata: unknown): Happening[] {
	const it = { ...run, where: sql`it.id = ${id}` };
	const { data } = Ended.safeParse(metadata);
	// A run's end is written down, whatever there is to be told of it.
	if (data === undefined) return [];
	const { status, reason } = data;
	if (reason === 'missed' || reason === 'waited_too_long')
		return [{ ...it, event: 'run.missed', whom: sql.raw('reader.id = it.triggered_by_id') }];
	if (status === 'success' || status === 'canceled')
		return [{ ...it, event: 'run.ended', whom: sql`reader.id = it.triggered_by_id and ${notCanceledByThem}` }];
	return [
		{ ...it, event: 'run.failed', whom: sql.raw('reader.id = it.triggered_by_id') },
		{ ...it, event: 'project.run_failed', whom: sql.raw('reader.id <> it.triggered_by_id') },
	];
}

/** One that grows more severe is told to whom it was not severe enough before; a reopened one is another. */
const opened = (id: SQL): Happening => ({
	...incident,
	event: 'incident.opened',
	where: sql`it.id = ${id} and it.status in ('open', 'mitigated')`,
	about: sql.raw(`json_object('title', it.title, 'project', home.name, 'severity', it.severity)`),
	key: sql.raw(`'incident ' || it.id || ' opened ' || (select count(*) from audit_logs opened
		where opened.object_type = 'Incident' and opened.object_id = it.id and opened.action = 'incident.reopen')`),
	whom: severeEnough,
});

const Changed = z.object({ changes: z.record(z.string(), z.unknown()) });
const changed = (metadata: unknown): string[] => Object.keys(Changed.safeParse(metadata).data?.changes ?? {});

const given = (id: SQL, version: SQL, role: IncidentRole): Happening => ({
	...incident,
	event: 'incident.role',
	where: sql`it.id = ${id}`,
	about: sql`json_object('title', it.title, 'project', home.name, 'severity', it.severity, 'role', ${role})`,
	key: sql`'incident ' || it.id || ' v' || ${version} || ' ' || ${role}`,
	whom: sql.raw(`reader.id = it.${role}_id`),
});

/** What people may be told of an audited act: the same rows that webhooks are told by. */
export function happeningsOf({ action, object_id, metadata }: AuditEntry): Happening[] {
	const id = sql`${object_id}`;
	switch (action) {
		case 'run.finish':
			return ended(id, metadata);
		case 'run.ask_approval':
			return [asked(id)];
		case 'run.approve':
			return [decided(id, 'approved')];
		case 'run.reject':
			return [decided(id, 'rejected')];
		case 'incident.create':
		case 'incident.reopen':
			return [opened(id)];
		case 'incident.update':
			return changed(metadata).includes('severity') ? [opened(id)] : [];
		case 'incident.hand_over':
			return IncidentRole.options
				.filter((role) => changed(metadata).includes(`${role}_id`))
				.map((role) => given(id, sql.raw('it.version'), role));
		case 'me.notification_test':
			return [test(id)];
		default:
			return [];
	}
}

const test = (id: SQL): Happening => ({
	event: 'test',
	object_type: 'User',
	from: sql.raw('users it'),
	where: sql`it.id = ${id}`,
	project: sql.raw('null'),
	about: sql.raw(`json_object('title', it.username, 'project', null)`),
	key: sql.raw(`'test ' || (select max(id) from audit_logs)`),
	whom: sql.raw('reader.id = it.id'),
});

/** How long ago something may have become due and still be told, should the clock have stood still. */
const DUE_MS = 86_400_000;
/** An agent that is away for less was restarted. */
const AWAY_MS = 120_000;

/** What nobody does: time passes. */
export const due = (now: number): Happening[] => [
	{
		event: 'action.due',
		object_type: 'ActionItem',
		from: sql.raw(`action_items it join postmortems on postmortems.id = it.postmortem_id
			join incidents on incidents.id = postmortems.incident_id join projects home on home.id = incidents.project_id`),
		where: sql`it.due between ${now - DUE_MS} and ${now} and it.state in ('open', 'in_progress') and home.status <> 'archived'`,
		project: sql.raw('incidents.project_id'),
		about: sql.raw(`json_object('title', it.title, 'project', home.name, 'incident_id', incidents.id)`),
		key: sql.raw(`'action ' || it.id || ' due ' || it.due`),
		whom: sql.raw('reader.id = it.owner_id'),
	},
	{
		event: 'agent.offline',
		object_type: 'Agent',
		from: sql.raw('agents it'),
		where: sql`it.status = 'offline' and it.last_seen_at between ${now - DUE_MS} and ${now - AWAY_MS}`,
		project: sql.raw('null'),
		about: sql.raw(`json_object('title', it.name, 'project', null)`),
		key: sql.raw(`'agent ' || it.id || ' offline ' || it.last_seen_at`),
		whom: sql.raw(`reader.role = 'admin'`),
	},
];
