import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { EntryKind, type EntryRef } from '#domain/incident-entry.ts';
import { JobRole, LinkKind } from '#domain/incident-link.ts';
import { IncidentStatus, Severity } from '#domain/incident.ts';
import { editable, id, time, oneOf } from '../columns.ts';
import { events } from './event.ts';
import { jobs } from './job.ts';
import { environments, projects } from './project.ts';
import { runs } from './run.ts';
import { users } from './user.ts';

export const incidents = sqliteTable(
	'incidents',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		environment_id: integer().references(() => environments.id),
		title: text().notNull(),
		description: text(),
		severity: oneOf(Severity).notNull(),
		status: oneOf(IncidentStatus).notNull().default('open'),
		started_at: time(),
		detected_at: time().notNull(),
		acknowledged_at: time(),
		mitigated_at: time(),
		resolved_at: time(),
		closed_at: time(),
		commander_id: integer().references(() => users.id),
		scribe_id: integer().references(() => users.id),
		comms_id: integer().references(() => users.id),
		dedupe_key: text(),
		...editable(),
	},
	(t) => [
		// A project's incidents, the latest first.
		index('incidents_project').on(t.project_id, t.detected_at, t.id),
		// "Open incidents" over all projects, and the conflicts with an open critical one, look at the few that are not over.
		index('incidents_open')
			.on(t.project_id, t.status)
			.where(sql`status in ('open', 'mitigated')`),
		// An environment in use cannot be deleted: the check looks here.
		index('incidents_environment').on(t.environment_id),
		// The same alert is one incident while that one is not resolved; afterwards it is a new one.
		uniqueIndex('incidents_dedupe')
			.on(t.project_id, t.dedupe_key)
			.where(sql`dedupe_key is not null and status in ('open', 'mitigated')`),
		check('incidents_order', sql`started_at is null or started_at <= detected_at`),
	],
);

export const incident_entries = sqliteTable(
	'incident_entries',
	{
		id: id(),
		incident_id: integer()
			.notNull()
			.references(() => incidents.id, { onDelete: 'cascade' }),
		at: time().notNull(),
		kind: oneOf(EntryKind).notNull(),
		author_id: integer().references(() => users.id),
		body: text().notNull(),
		ref: text({ mode: 'json' }).$type<EntryRef>(),
		pinned: integer({ mode: 'boolean' }).notNull().default(false),
		hidden: integer({ mode: 'boolean' }).notNull().default(false),
		...editable(),
	},
	(t) => [
		// An incident's timeline, in its order.
		index('incident_entries_at').on(t.incident_id, t.at, t.id),
	],
);

export const incident_links = sqliteTable(
	'incident_links',
	{
		id: id(),
		incident_id: integer()
			.notNull()
			.references(() => incidents.id),
		kind: oneOf(LinkKind).notNull(),
		job_id: integer().references(() => jobs.id),
		run_id: integer().references(() => runs.id),
		event_id: integer().references(() => events.id),
		role: oneOf(JobRole),
		created_by_id: integer().references(() => users.id),
		...editable(),
	},
	(t) => [
		// An incident's links, in the order they were made.
		index('incident_links_incident').on(t.incident_id, t.id),
		// Each once; and what a job, a run or an entry of the calendar has to do with incidents is found here.
		uniqueIndex('incident_links_job')
			.on(t.job_id, t.incident_id)
			.where(sql`job_id is not null`),
		uniqueIndex('incident_links_run')
			.on(t.run_id, t.incident_id)
			.where(sql`run_id is not null`),
		uniqueIndex('incident_links_event')
			.on(t.event_id, t.incident_id)
			.where(sql`event_id is not null`),
	],
);
