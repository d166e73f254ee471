import { getTableColumns, getTableName } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import * as schema from '../../db/schema/index.ts';
import { omit } from '../omit.ts';

export interface Kind {
	kind: string;
	table: SQLiteTable;
	columns: Record<string, SQLiteColumn>;
	/** How many rows are read at once. */
	at_once: number;
}

const kind = <T extends SQLiteTable>(
	name: string,
	table: T,
	{ without = [], at_once = 500 }: { without?: (keyof T['_']['columns'] & string)[]; at_once?: number } = {},
): Kind => ({
	kind: name,
	table,
	columns: omit(getTableColumns(table) as Record<string, SQLiteColumn>, ...without),
	at_once,
});

/** Rows that may be a megabyte each. */
const large = { at_once: 8 };

/** What an archive holds, in an order in which a row stands behind those it refers to. */
export const KINDS: readonly Kind[] = [
	kind('User', schema.users),
	kind('Group', schema.groups),
	kind('GroupUser', schema.group_users),
	kind('Project', schema.projects),
	kind('ProjectGroup', schema.project_groups),
	kind('Environment', schema.environments),
	kind('Freeze', schema.freezes),
	// An agent proves itself with a key of its own and enrols anew with another hub.
	kind('Agent', schema.agents, { without: ['public_key', 'fingerprint'] }),
	kind('ServerStatus', schema.server_statuses),
	kind('GitRepo', schema.git_repos),
	kind('ScriptRef', schema.script_refs),
	kind('Job', schema.jobs, { at_once: 100 }),
	kind('JobScriptRef', schema.job_script_refs),
	kind('Run', schema.runs, { at_once: 100 }),
	kind('Event', schema.events),
	kind('Incident', schema.incidents, { at_once: 100 }),
	kind('IncidentEntry', schema.incident_entries, { at_once: 100 }),
	kind('IncidentLink', schema.incident_links),
	kind('PostMortem', schema.postmortems, large),
	kind('PostMortemVersion', schema.postmortem_versions, large),
	kind('ActionItem', schema.action_items),
	kind('GitChange', schema.git_changes),
	kind('Inventory', schema.inventories, large),
	kind('TerraformPlan', schema.terraform_plans, large),
	kind('Cluster', schema.clusters),
	kind('MetricRef', schema.metric_refs),
	kind('AuditLog', schema.audit_logs, { at_once: 200 }),
	kind('AuditSeal', schema.audit_seals),
];

/** What stays here: secrets, what lives for moments, and what only this hub's own machinery means. */
export const NOT_ARCHIVED: readonly string[] = [
	schema.identities,
	schema.sessions,
	schema.login_attempts,
	schema.second_factors,
	schema.recovery_codes,
	schema.spent_states,
	schema.enrolments,
	schema.idempotency_keys,
	schema.run_streams,
	schema.watches,
].map((table) => getTableName(table));
