import { sql } from 'drizzle-orm';
import { type AnySQLiteColumn, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { ApprovalDecision } from '#domain/approval.ts';
import { ExecutionBackend } from '#domain/backend.ts';
import { Priority } from '#domain/priority.ts';
import type { Reason } from '#domain/run-reason.ts';
import type { RunStep } from '#domain/run-step.ts';
import { RunPhase, RunStatus, type Timings } from '#domain/run.ts';
import { editable, id, stamps, time, oneOf } from '../columns.ts';
import { emptyFirst, rankAmong } from '../order.ts';
import { agents } from './agent.ts';
import { jobs } from './job.ts';
import { environments, projects } from './project.ts';
import { users } from './user.ts';

/**
 * Runs of one lane can be carried out by the same agents and are held back by the same freezes: what is true of one is true of all.
 * (Without a comma, which would end the expression for drizzle-kit.)
 */
export const lane = sql`case when environment_id is null then 0 else environment_id end || ' ' || case when plan_id is null then 0 else plan_id end || ' ' || (break_freeze is not null) || ' ' || backend || ' ' || labels`;
/** 0 for `critical` to 3 for `low`. */
export const rank = sql`case priority when 'critical' then 0 when 'high' then 1 when 'normal' then 2 else 3 end`;
/** Waits for an agent; what waits for people first is not in the queue. */
export const inQueue = sql`status = 'queued' and approvals_missing = 0`;

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
		secret_parameters: text({ mode: 'json' }).$type<Record<string, string>>().notNull().default({}),
		hosts: text({ mode: 'json' }).$type<string[]>(),
		check_mode: integer({ mode: 'boolean' }).notNull().default(false),
		/** A terraform plan. Plans name the run that made them, so this one is only a number. */
		plan_id: integer(),
		scheduled_for: time(),
		not_before: time(),
		start_before: time(),
		request_hash: text(),
		priority: oneOf(Priority).notNull().default('normal'),
		labels: text({ mode: 'json' }).$type<Record<string, string>>().notNull().default({}),
		/** The job's, as it was when the run was asked for. */
		concurrency_key: text(),
		approvals_needed: integer().notNull().default(0),
		approvals_missing: integer().notNull().default(0),
		approval_expires_at: time(),
		steps: text({ mode: 'json' }).$type<RunStep[]>().notNull().default([]),
		requested_at: time().notNull(),
		timings: text({ mode: 'json' }).$type<Timings>().notNull().default({}),
		duration: integer(),
		log_bytes: integer().notNull().default(0),
		log_lines: integer().notNull().default(0),
		cancel_requested_at: time(),
		...editable(),
	},
	(t) => [
		// A job's runs, the latest first, and the last of them.
		index('runs_job').on(t.job_id, t.id),
		// A project's runs, the latest first.
		index('runs_project').on(t.project_id, t.requested_at, t.id),
		// A project's runs with a status that few have, the latest first.
		index('runs_status').on(t.project_id, t.status, t.requested_at),
		// In the order of how far they are.
		index('runs_by_status').on(t.project_id, rankAmong(sql`status`, RunStatus.options), t.id),
		// In the order they started, those that did not first.
		index('runs_by_start').on(t.project_id, emptyFirst(sql`started_at`), t.id),
		// In the order of how long they took.
		index('runs_by_duration').on(t.project_id, emptyFirst(sql`duration`), t.id),
		// The few that ran elsewhere than the others.
		index('runs_backend').on(t.project_id, t.backend, t.requested_at),
		// The few that were urgent.
		index('runs_priority').on(t.project_id, t.priority, t.requested_at),
		// The few that were tried again.
		index('runs_again').on(t.project_id, t.attempt, t.requested_at),
		// The sweep and "running now" look only at the few that are not over.
		index('runs_open')
			.on(t.project_id, t.status)
			.where(sql`status in ('queued', 'running')`),
		// The heads of each lane of a project's queue, however long the lanes are.
		index('runs_queue')
			.on(t.project_id, lane, rank, t.requested_at, t.id, t.not_before, t.concurrency_key)
			.where(inQueue),
		// What waits for people, and until when.
		index('runs_awaiting')
			.on(t.project_id, t.approval_expires_at)
			.where(sql`status = 'queued' and approvals_missing > 0`),
		// Whose time to start is over first.
		index('runs_start_before')
			.on(t.project_id, t.start_before)
			.where(sql`status = 'queued'`),
		// An agent's runs, the latest first; and what hangs on one that is to go.
		index('runs_agent').on(t.agent_id, t.requested_at, t.id),
		// How many an agent has.
		index('runs_busy')
			.on(t.agent_id)
			.where(sql`status = 'running'`),
		// An environment in use cannot be deleted; its last deploy.
		index('runs_environment').on(t.environment_id),
		// An occurrence starts once, whoever notices that it is time.
		uniqueIndex('runs_scheduled')
			.on(t.job_id, t.scheduled_for)
			.where(sql`scheduled_for is not null`),
		// An end is tried again once.
		uniqueIndex('runs_attempt')
			.on(t.retry_of, t.attempt)
			.where(sql`retry_of is not null and not_before is not null`),
	],
);

/** The approvals a run needs, one row each. */
export const approvals = sqliteTable(
	'approvals',
	{
		id: id(),
		run_id: integer()
			.notNull()
			.references(() => runs.id),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		requested_by_id: integer()
			.notNull()
			.references(() => users.id),
		decided_by_id: integer().references(() => users.id),
		decision: oneOf(ApprovalDecision).notNull().default('pending'),
		reason: text(),
		hash: text().notNull(),
		expires_at: time().notNull(),
		decided_at: time(),
		...stamps(),
	},
	(t) => [
		// A run's approvals: every question about them names the run.
		index('approvals_run').on(t.run_id),
		// Nobody approves a run twice.
		uniqueIndex('approvals_decider')
			.on(t.run_id, t.decided_by_id)
			.where(sql`decided_by_id is not null`),
		// A project in use cannot be deleted: the check looks here.
		index('approvals_project').on(t.project_id, t.decision, t.id),
	],
);

/** How far a run's stream has been written down: its changes are numbered, and each is applied once. */
export const run_streams = sqliteTable('run_streams', {
	run_id: integer()
		.primaryKey()
		.references(() => runs.id, { onDelete: 'cascade' }),
	seq: integer().notNull(),
});
