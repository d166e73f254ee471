import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { editable, id } from '../columns.ts';
import { projects } from './project.ts';

/** Keys the hub itself signs and checks with, named by `hub:NAME`. Write-only: what is sealed here is never shown again. */
export const hub_secrets = sqliteTable(
	'hub_secrets',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		name: text().notNull(),
		/** Sealed for `secret_for`. Null: it was lost with the hub's own key, or came without it, and has to be set anew. */
		secret: text(),
		secret_for: text().notNull(),
		...editable(),
	},
	(t) => [
		// `hub:NAME` is one key of a project.
		uniqueIndex('hub_secrets_name').on(t.project_id, t.name),
	],
);
