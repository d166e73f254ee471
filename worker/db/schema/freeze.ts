import { sql } from 'drizzle-orm';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import type { Recurrence } from '#domain/recurrence.ts';
import { editable, id, time } from '../columns.ts';
import { environments, projects } from './project.ts';

export const freezes = sqliteTable(
	'freezes',
	{
		id: id(),
		/** Null: everywhere. Goes with its project. */
		project_id: integer().references(() => projects.id, { onDelete: 'cascade' }),
		environment_id: integer().references(() => environments.id),
		title: text().notNull(),
		start: time().notNull(),
		end: time().notNull(),
		recurrence: text({ mode: 'json' }).$type<Recurrence>(),
		recurs_until: time(),
		reason: text().notNull(),
		...editable(),
	},
	(t) => [
		// What a dispatch asks for: those of a project, or of all, that are not over.
		index('freezes_window').on(t.project_id, t.end),
		// An environment in use cannot be deleted: the check looks here.
		index('freezes_environment').on(t.environment_id),
		check('freezes_order', sql`"start" < "end"`),
		check('freezes_scope', sql`project_id is not null or environment_id is null`),
	],
);
