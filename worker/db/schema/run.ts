import { sql } from 'drizzle-orm';
import { type AnySQLiteColumn, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { ExecutionBackend } from '#domain/backend.ts';
import { type Reason, RunPhase, RunStatus, type Timings } from '#domain/run.ts';
import { editable, id, time, oneOf } from '../columns.ts';
import { agents } from './agent.ts';
import { jobs } from './job.ts';
import { environments, projects } from './project.ts';
import { users } from './user.ts';

export const runs = sqliteTable(
	'runs',
	{
		id: id(),
		job_id: integer()
			.notNull()
			.references(() => jobs.id),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		environment_id: integer().references(() => environments.id),
		started_at: time(),
		finished_at: time(),
		status: oneOf(RunStatus).notNull().default('queued'),
		phase: oneOf(RunPhase).notNull().default('queued'),
		triggered_by_id: integer()
			.notNull()
			.references(() => users.id),
		log_path: text(),
		stdout_excerpt: text(),
		stderr_excerpt: text(),
		exit_code: integer(),
		backend: oneOf(ExecutionBackend).notNull(),
		agent_id: integer().references(() => agents.id),
		attempt: integer().notNull().default(1),
		retry_of: integer().references((): AnySQLiteColumn => runs.id),
		epoch: integer().notNull().default(0),
		reason: text({ mode: 'json' }).$type<Reason>(),
		note: text(),
		break_freeze: text(),
		parameters: text({ mode: 'json' }).$type<Record<string, string>>().notNull().default({}),
		requested_at: time().notNull(),
		timings: text({ mode: 'json' }).$type<Timings>().notNull().default({}),
		duration: integer(),
		log_bytes: integer().notNull().default(0),
		log_lines: integer().notNull().default(0),
		cancel_requested_at: time(),
		...editable(),
	},
	(t) => [
		index('runs_job').on(t.job_id, t.id),
		index('runs_project').on(t.project_id, t.requested_at, t.id),
		// The sweep and "running now" look only at the few that are not over.
		index('runs_open')
			.on(t.project_id, t.status)
			.where(sql`status in ('queued', 'running')`),
		index('runs_environment').on(t.environment_id),
	],
);

/** How far a run's stream has been written down: its changes are numbered, and each is applied once. */
export const run_streams = sqliteTable('run_streams', {
	run_id: integer()
		.primaryKey()
		.references(() => runs.id, { onDelete: 'cascade' }),
	seq: integer().notNull(),
});
