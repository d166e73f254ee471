import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { ExecutionBackend } from '#domain/backend.ts';
import { JobStatus, JobType, type RetryPolicy, type Targets } from '#domain/job.ts';
import { Priority } from '#domain/priority.ts';
import type { ParametersSchema } from '#domain/parameter.ts';
import type { Recurrence } from '#domain/recurrence.ts';
import { LocationType } from '#domain/script.ts';
import { Tool } from '#domain/tool.ts';
import { editable, id, time, oneOf } from '../columns.ts';
import { emptyFirst, rankAmong } from '../order.ts';
import { environments, projects } from './project.ts';
import { git_repos } from './repo.ts';
import { users } from './user.ts';

export const script_refs = sqliteTable(
	'script_refs',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		tool: oneOf(Tool).notNull(),
		name: text().notNull(),
		description: text(),
		location_type: oneOf(LocationType).notNull(),
		/** Uploaded: the object's key, derived by the server. Else where it lies. */
		location: text().notNull(),
		repo_id: integer().references(() => git_repos.id),
		revision: text(),
		vault_secret_ref: text(),
		sha256: text(),
		size: integer(),
		...editable(),
	},
	(t) => [
		// A name is one script of a project; its list is in this order.
		uniqueIndex('script_refs_name').on(t.project_id, t.name),
		// A repository in use cannot be deleted: the check looks here.
		index('script_refs_repo').on(t.repo_id),
	],
);

export const jobs = sqliteTable(
	'jobs',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		environment_id: integer().references(() => environments.id),
		title: text().notNull(),
		description: text(),
		job_type: oneOf(JobType).notNull(),
		owner_id: integer()
			.notNull()
			.references(() => users.id),
		requested_by_id: integer().references(() => users.id),
		status: oneOf(JobStatus).notNull().default('draft'),
		priority: oneOf(Priority).notNull().default('normal'),
		planned_start: time(),
		planned_end: time(),
		tags: text({ mode: 'json' }).$type<string[]>().notNull().default([]),
		timeout_s: integer().notNull().default(3600),
		start_within_s: integer().notNull().default(86_400),
		labels: text({ mode: 'json' }).$type<Record<string, string>>().notNull().default({}),
		recurrence: text({ mode: 'json' }).$type<Recurrence>(),
		auto_start: integer({ mode: 'boolean' }).notNull().default(false),
		next_start: time(),
		concurrency_key: text(),
		retry: text({ mode: 'json' }).$type<RetryPolicy>(),
		parameters_schema: text({ mode: 'json' }).$type<ParametersSchema>(),
		arguments: text({ mode: 'json' }).$type<string[]>().notNull().default([]),
		targets: text({ mode: 'json' }).$type<Targets>(),
		execution_backend: oneOf(ExecutionBackend),
		execution_backend_config: text({ mode: 'json' }).$type<Record<string, unknown>>(),
		...editable(),
	},
	(t) => [
		// A project's jobs, newest first, also by status: each list is one range of an index.
		index('jobs_project').on(t.project_id, t.created_at, t.id),
		index('jobs_status').on(t.project_id, t.status, t.created_at),
		// The newest of all projects.
		index('jobs_created').on(t.created_at, t.id),
		// In their other orders, and by what few of them have: without an index each of these reads all jobs of the project.
		index('jobs_title').on(t.project_id, t.title, t.id),
		index('jobs_updated').on(t.project_id, t.updated_at, t.id),
		index('jobs_type').on(t.project_id, t.job_type, t.created_at),
		index('jobs_priority').on(t.project_id, t.priority, t.created_at),
		// In the order of their urgency.
		index('jobs_by_priority').on(t.project_id, rankAmong(sql`priority`, Priority.options), t.id),
		// In the order of how far they are.
		index('jobs_by_status').on(t.project_id, rankAmong(sql`status`, JobStatus.options), t.id),
		// In the order they are planned in, those that are not first.
		index('jobs_by_start').on(t.project_id, emptyFirst(sql`planned_start`), t.id),
		// Those that somebody asked for.
		index('jobs_requester').on(t.project_id, t.requested_by_id, t.created_at),
		index('jobs_owner').on(t.project_id, t.owner_id, t.created_at),
		// An environment in use cannot be deleted: the check looks here, too.
		index('jobs_environment').on(t.environment_id, t.created_at),
		// "Planned today", over all projects.
		index('jobs_planned')
			.on(t.planned_start)
			.where(sql`planned_start is not null`),
		// What starts next by itself: the first of these two.
		index('jobs_auto_start')
			.on(t.project_id, t.planned_start)
			.where(sql`auto_start = 1 and status = 'planned'`),
		index('jobs_next_start')
			.on(t.project_id, t.next_start)
			.where(sql`next_start is not null`),
		check('jobs_order', sql`planned_end is null or planned_start is null or planned_start < planned_end`),
	],
);

/** Which jobs have a tag: kept by triggers of `jobs`, so that what few have is found among many. */
export const job_tags = sqliteTable(
	'job_tags',
	{
		tag: text().notNull(),
		job_id: integer()
			.notNull()
			.references(() => jobs.id, { onDelete: 'cascade' }),
	},
	(t) => [
		primaryKey({ columns: [t.tag, t.job_id] }),
		// What a job that is changed or gone had.
		index('job_tags_job').on(t.job_id),
	],
);

export const job_script_refs = sqliteTable(
	'job_script_refs',
	{
		job_id: integer()
			.notNull()
			.references(() => jobs.id, { onDelete: 'cascade' }),
		script_id: integer()
			.notNull()
			.references(() => script_refs.id),
		position: integer().notNull(),
	},
	(t) => [
		primaryKey({ columns: [t.job_id, t.position] }),
		// The jobs of a script; one in use cannot be deleted.
		index('job_script_refs_script').on(t.script_id),
	],
);

/** What operators signed: one signature for a job in an environment (0: in none). */
export const job_signatures = sqliteTable(
	'job_signatures',
	{
		job_id: integer()
			.notNull()
			.references(() => jobs.id, { onDelete: 'cascade' }),
		environment_id: integer().notNull(),
		key: text().notNull(),
		value: text().notNull(),
		serial: integer().notNull(),
		not_after: time(),
		/** Of the template that was signed: another one now means that the job has changed since. */
		template_sha256: text().notNull(),
		signed_at: time().notNull(),
	},
	(t) => [primaryKey({ columns: [t.job_id, t.environment_id] })],
);
