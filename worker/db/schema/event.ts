import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { EventType } from '#domain/event-type.ts';
import type { Recurrence } from '#domain/recurrence.ts';
import { editable, id, time, oneOf } from '../columns.ts';
import { jobs } from './job.ts';
import { environments, projects } from './project.ts';

export const events = sqliteTable(
	'events',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		environment_id: integer().references(() => environments.id),
		job_id: integer().references(() => jobs.id, { onDelete: 'cascade' }),
		title: text().notNull(),
		start: time().notNull(),
		end: time(),
		event_type: oneOf(EventType).notNull(),
		color: text(),
		all_day: integer({ mode: 'boolean' }).notNull().default(false),
		attendees: text({ mode: 'json' }).$type<number[]>().notNull().default([]),
		recurrence: text({ mode: 'json' }).$type<Recurrence>(),
		recurs_until: time(),
		extendedProps: text('extendedProps', { mode: 'json' })
			.$type<{ conflict: boolean }>()
			.notNull()
			.default({ conflict: false }),
		...editable(),
	},
	(t) => [
		// A window of the calendar is one range of this index: start bounded on both sides.
		index('events_window').on(t.project_id, t.start, t.end),
		// What recurs may have begun long before the window: it is looked for by itself.
		index('events_series')
			.on(t.project_id, t.start, t.recurs_until)
			.where(sql`recurrence is not null`),
		// An environment in use cannot be deleted: the check looks here.
		index('events_environment').on(t.environment_id),
		// A job has one projection.
		uniqueIndex('events_job')
			.on(t.job_id)
			.where(sql`job_id is not null`),
		check('events_order', sql`"end" is null or start < "end"`),
	],
);
