import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { ChangeType, Verdict } from '#domain/repo.ts';
import { editable, id, time, oneOf } from '../columns.ts';
import { incidents } from './incident.ts';
import { jobs } from './job.ts';
import { projects } from './project.ts';
import { git_repos } from './repo.ts';

export const git_changes = sqliteTable(
	'git_changes',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		repo_id: integer()
			.notNull()
			.references(() => git_repos.id),
		job_id: integer().references(() => jobs.id),
		incident_id: integer().references(() => incidents.id),
		verdict: oneOf(Verdict),
		change_type: oneOf(ChangeType).notNull(),
		external_id: text().notNull(),
		title: text(),
		url: text(),
		author: text(),
		branch: text(),
		committed_at: time(),
		...editable(),
	},
	(t) => [
		// A change that is told of twice is one.
		uniqueIndex('git_changes_external').on(t.repo_id, t.change_type, t.external_id),
		// A project's changes, the latest first.
		index('git_changes_project').on(t.project_id, t.created_at, t.id),
		// A job's changes; and whether any hang on one that is to go.
		index('git_changes_job').on(t.job_id),
		// An incident's changes.
		index('git_changes_incident').on(t.incident_id),
	],
);
