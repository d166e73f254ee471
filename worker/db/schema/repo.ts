import { integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { GitProvider } from '#domain/repo.ts';
import { editable, id, time, oneOf } from '../columns.ts';
import { projects } from './project.ts';

export const git_repos = sqliteTable(
	'git_repos',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		provider: oneOf(GitProvider).notNull(),
		name: text().notNull(),
		url: text().notNull(),
		default_branch: text().notNull(),
		credentials_ref: text(),
		webhook_secret_ref: text(),
		last_synced_at: time(),
		...editable(),
	},
	(t) => [
		// A name is one repository of a project; its list is in this order.
		uniqueIndex('git_repos_name').on(t.project_id, t.name),
	],
);
