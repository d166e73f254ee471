import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { time } from '../columns.ts';
import { git_repos } from './repo.ts';

/** What a repository's provider has told already, by its hash: told once more, nothing happens. */
export const hook_deliveries = sqliteTable(
	'hook_deliveries',
	{
		repo_id: integer()
			.notNull()
			.references(() => git_repos.id, { onDelete: 'cascade' }),
		hash: text().notNull(),
		received_at: time().notNull(),
	},
	(t) => [primaryKey({ columns: [t.repo_id, t.hash] })],
);
