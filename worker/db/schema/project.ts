import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { ExecutionBackend } from '#domain/backend.ts';
import { EnvironmentType, type Protection } from '#domain/environment.ts';
import { ProjectStatus } from '#domain/project.ts';
import { editable, id, oneOf } from '../columns.ts';
import { users } from './user.ts';

export const projects = sqliteTable(
	'projects',
	{
		id: id(),
		name: text().notNull(),
		description: text(),
		color: text().notNull(),
		status: oneOf(ProjectStatus).notNull().default('active'),
		owner_id: integer()
			.notNull()
			.references(() => users.id),
		execution_backend: oneOf(ExecutionBackend),
		execution_backend_config: text({ mode: 'json' }).$type<Record<string, unknown>>(),
		...editable(),
	},
	(t) => [
		// A name is one project; the list is in this order.
		uniqueIndex('projects_name').on(t.name),
		// What a person sees begins with what they own.
		index('projects_owner').on(t.owner_id),
	],
);

export const environments = sqliteTable(
	'environments',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		name: text().notNull(),
		description: text(),
		type: oneOf(EnvironmentType).notNull(),
		protection: text({ mode: 'json' }).$type<Protection>().notNull(),
		execution_backend: oneOf(ExecutionBackend),
		execution_backend_config: text({ mode: 'json' }).$type<Record<string, unknown>>(),
		...editable(),
	},
	(t) => [
		// A name is one environment of a project; its list is in this order.
		uniqueIndex('environments_name').on(t.project_id, t.name),
	],
);
