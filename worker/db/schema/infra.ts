import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { type GroupsJson, InventoryFormat } from '#domain/inventory.ts';
import { SourceType } from '#domain/source.ts';
import type { PlanCounts, PlanResource } from '#domain/terraform.ts';
import { editable, id, oneOf, time } from '../columns.ts';
import { agents } from './agent.ts';
import { incidents } from './incident.ts';
import { jobs } from './job.ts';
import { environments, projects } from './project.ts';
import { git_repos } from './repo.ts';
import { runs } from './run.ts';

const source = () => ({
	source_type: oneOf(SourceType).notNull(),
	source_location: text().notNull(),
	repo_id: integer().references(() => git_repos.id),
	revision: text(),
});

export const inventories = sqliteTable(
	'inventories',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		...source(),
		summary: text(),
		format: oneOf(InventoryFormat),
		/** The text lies in the store, under a key made of its hash. */
		sha256: text(),
		size: integer(),
		group_count: integer().notNull().default(0),
		host_count: integer().notNull().default(0),
		groups_json: text({ mode: 'json' }).$type<GroupsJson>().notNull(),
		...editable(),
	},
	(t) => [
		// A project's inventories, the latest first.
		index('inventories_project').on(t.project_id, t.created_at, t.id),
		// A repository in use cannot be deleted: the check looks here.
		index('inventories_repo').on(t.repo_id),
	],
);

export const terraform_plans = sqliteTable(
	'terraform_plans',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		job_id: integer().references(() => jobs.id),
		...source(),
		summary: text(),
		raw_plan_path: text(),
		sha256: text(),
		size: integer(),
		terraform_version: text(),
		counts: text({ mode: 'json' }).$type<PlanCounts>(),
		resource_changes: text({ mode: 'json' }).$type<PlanResource[]>().notNull().default([]),
		/** Made by this run, on this agent, which has the plan itself under this hash. */
		run_id: integer().references(() => runs.id),
		agent_id: integer().references(() => agents.id),
		plan_sha256: text(),
		applied_at: time(),
		...editable(),
	},
	(t) => [
		// A project's plans, the latest first.
		index('terraform_plans_project').on(t.project_id, t.created_at, t.id),
		// A job's plans; and whether any hang on one that is to go.
		index('terraform_plans_job').on(t.job_id),
		// A run makes one plan with each of its scripts at most, and the same message twice makes none.
		uniqueIndex('terraform_plans_made')
			.on(t.run_id, t.plan_sha256)
			.where(sql`run_id is not null`),
		// A repository in use cannot be deleted: the check looks here.
		index('terraform_plans_repo').on(t.repo_id),
	],
);

export const clusters = sqliteTable(
	'clusters',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		name: text().notNull(),
		kubeconfig_ref: text().notNull(),
		environment_id: integer().references(() => environments.id),
		api_server_url: text(),
		...editable(),
	},
	(t) => [
		// A name is one cluster of a project; runs find theirs by it.
		uniqueIndex('clusters_name').on(t.project_id, t.name),
		// An environment in use cannot be deleted: the check looks here.
		index('clusters_environment').on(t.environment_id),
	],
);

export const metric_refs = sqliteTable(
	'metric_refs',
	{
		id: id(),
		project_id: integer()
			.notNull()
			.references(() => projects.id),
		incident_id: integer().references(() => incidents.id),
		label: text().notNull(),
		url: text().notNull(),
		...editable(),
	},
	(t) => [
		// A project's links, by their label.
		index('metric_refs_project').on(t.project_id, t.label, t.id),
		// An incident's links.
		index('metric_refs_incident').on(t.incident_id),
	],
);
