import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { AlertSourceKind } from '#domain/alert.ts';
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
		key_hash: text().notNull(),
		...editable(),
	},
	(t) => [
		uniqueIndex('alert_sources_key').on(t.key_hash),
		uniqueIndex('alert_sources_name').on(t.project_id, t.name),
		index('alert_sources_environment').on(t.environment_id),
	],
);
