import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { AlertSourceKind, type Severities } from '#domain/alert.ts';
import { Severity } from '#domain/incident.ts';
import { editable, id, oneOf } from '../columns.ts';
import { environments, projects } from './project.ts';

/** Where alerts come in. Whoever has the key in the address may open incidents; its hash alone is kept. */
export const alert_sources = sqliteTable(
	'alert_sources',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		environment_id: integer().references(() => environments.id),
		name: text().notNull(),
		kind: oneOf(AlertSourceKind).notNull(),
		severity: oneOf(Severity).notNull(),
		severities: text({ mode: 'json' }).$type<Severities>().notNull().default({}),
		group_by: text({ mode: 'json' }).$type<string[]>().notNull().default([]),
		secret_ref: text(),
		key_hash: text().notNull(),
		...editable(),
	},
	(t) => [
		// A delivery is known by its key alone.
		uniqueIndex('alert_sources_key').on(t.key_hash),
		// A name is one source of a project; its list is in this order.
		uniqueIndex('alert_sources_name').on(t.project_id, t.name),
		// An environment in use cannot be deleted: the check looks here.
		index('alert_sources_environment').on(t.environment_id),
	],
);
