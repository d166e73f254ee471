import { getTableColumns, getTableName, isNull, ne, type SQL } from 'drizzle-orm';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { z } from 'zod';
import { type ArchiveKind, archiveRows as rows } from '#domain/archive-rows.ts';
import { isFinal } from '#domain/run.ts';
import * as schema from '../../db/schema/index.ts';
import { documentKey } from '../documents.ts';
import { omit } from '../omit.ts';
import { scriptKey } from '../scripts/content.ts';

export type Row = Record<string, unknown>;

export interface Fault {
	path: readonly PropertyKey[];
	message: string;
}

export interface Kind {
	kind: ArchiveKind;
	table: SQLiteTable;
	columns: Record<string, SQLiteColumn>;
	/** Which of its rows are archived; undefined: all. */
	only: SQL | undefined;
	/** How many rows are read at once. */
	at_once: number;
	/** What the row is as a line, and as a row that came from one; or what is wrong with it. */
	leave: (row: Row) => Row;
	arrive: (row: Row, exported_at: string) => { row: Row } | { faults: readonly Fault[] };
	/** The column by which its rows ascend; null: the rows of a join, which have none. */
	ascends: string | null;
	/** SQL for the columns that are in no archive, over those that are. */
	placeholders: Record<string, string>;
}

interface More<R> {
	without?: string[];
	only?: SQL;
	at_once?: number;
	leave?: Kind['leave'];
	/** What only the hub can check: where it would have put things itself. */
	check?: (row: R) => Fault | null;
	/** What had not ended has ended here. */
	settle?: (row: R, exported_at: string) => Row;
	ascends?: Kind['ascends'];
	placeholders?: Kind['placeholders'];
}

const same = (row: Row): Row => row;

function kind<R extends Row>(name: ArchiveKind, table: SQLiteTable, rows: z.ZodType<R>, more: More<R> = {}): Kind {
	const { without = [], only, at_once = 500, leave = same, check, settle, ascends = 'id', placeholders = {} } = more;
	return {
		kind: name,
		table,
		columns: omit(getTableColumns(table) as Record<string, SQLiteColumn>, ...without),
		only,
		at_once,
		leave,
		arrive(row, exported_at) {
			const { data, error } = rows.safeParse(row);
			if (error) return { faults: error.issues };
			const fault = check?.(data) ?? null;
			if (fault) return { faults: [fault] };
			return { row: settle?.(data, exported_at) ?? data };
		},
		ascends,
		placeholders,
	};
}

/** Rows that may be a megabyte each. */
const large = { at_once: 8 };
const join = { ascends: null };

/** A document lies under its hash. Another key would let an archive name what is not its own. */
const liesAt = (path: string, found: string | null, expected: string | null): Fault | null =>
	found === expected ? null : { path: [path], message: 'is not where the hub keeps such a document' };

/** What an archive holds, in an order in which a row stands behind those it refers to. */
export const KINDS: readonly Kind[] = [
	kind('User', schema.users, rows.User),
	// By which account of which provider somebody comes in. Passwords stay here.
	kind('Identity', schema.identities, rows.Identity, {
		without: ['password_hash'],
		only: ne(schema.identities.provider, 'credential'),
	}),
	kind('NotificationChoice', schema.notification_choices, rows.NotificationChoice, { ascends: 'user_id' }),
	kind('Group', schema.groups, rows.Group),
	kind('GroupUser', schema.group_users, rows.GroupUser, join),
	kind('Project', schema.projects, rows.Project),
	kind('ProjectGroup', schema.project_groups, rows.ProjectGroup, join),
	kind('Environment', schema.environments, rows.Environment),
	kind('Freeze', schema.freezes, rows.Freeze),
	// Another hub that is given the archive must not call what this one calls, unless somebody there says so. A person's own is nobody else's to take along.
	kind('Webhook', schema.webhooks, rows.Webhook, {
		without: ['user_id', 'secret', 'secret_for'],
		only: isNull(schema.webhooks.user_id),
		leave: (row) => ({ ...row, status: 'disabled', disabled_reason: 'archived' }),
		placeholders: { secret_for: `'archive:' || id` },
	}),
	// What opens it is a key: until it is given a new one, nothing does.
	kind('AlertSource', schema.alert_sources, rows.AlertSource, {
		without: ['key_hash'],
		placeholders: { key_hash: `'archive:' || id` },
	}),
	// An agent proves itself with a key of its own, which another hub does not know: it enrols there anew.
	kind('Agent', schema.agents, rows.Agent, {
		without: ['public_key', 'fingerprint'],
		leave: (row) => ({ ...row, status: row.status === 'online' ? 'offline' : row.status }),
		placeholders: { public_key: `'archive:' || id`, fingerprint: `''` },
	}),
	kind('ServerStatus', schema.server_statuses, rows.ServerStatus),
	kind('GitRepo', schema.git_repos, rows.GitRepo),
	kind('ScriptRef', schema.script_refs, rows.ScriptRef, {
		check: (it) =>
			it.location_type === 'uploaded'
				? liesAt('location', it.location, it.sha256 && scriptKey(it.project_id, it.sha256))
				: null,
	}),
	kind('Job', schema.jobs, rows.Job, {
		at_once: 100,
		settle: (it) => (it.status === 'running' ? { ...it, status: 'failed' } : it),
	}),
	kind('JobScriptRef', schema.job_script_refs, rows.JobScriptRef, join),
	kind('Run', schema.runs, rows.Run, {
		at_once: 100,
		// Where it comes from it may still go on, or start: nobody here can know, and nothing here may do it a second time.
		settle: (it, exported_at) =>
			isFinal(it.status)
				? it
				: {
						...it,
						status: 'lost',
						phase: 'done',
						finished_at: exported_at,
						reason: { code: 'archived', message: 'The run was not over when the archive was made.' },
						version: it.version + 1,
					},
	}),
	kind('Approval', schema.approvals, rows.Approval, {
		// What its run waited for waits for nobody here.
		settle: (it) => (it.decision === 'pending' ? { ...it, decision: 'expired' } : it),
	}),
	kind('Event', schema.events, rows.Event),
	kind('Incident', schema.incidents, rows.Incident, { at_once: 100 }),
	kind('IncidentEntry', schema.incident_entries, rows.IncidentEntry, { at_once: 100 }),
	kind('IncidentLink', schema.incident_links, rows.IncidentLink),
	kind('PostMortem', schema.postmortems, rows.PostMortem, large),
	kind('PostMortemVersion', schema.postmortem_versions, rows.PostMortemVersion, large),
	kind('ActionItem', schema.action_items, rows.ActionItem),
	kind('GitChange', schema.git_changes, rows.GitChange),
	kind('Inventory', schema.inventories, rows.Inventory, large),
	kind('TerraformPlan', schema.terraform_plans, rows.TerraformPlan, {
		...large,
		check: (it) =>
			liesAt(
				'raw_plan_path',
				it.raw_plan_path,
				it.raw_plan_path && documentKey('plans', it.project_id, it.raw_plan_path.split('/').at(-1) ?? ''),
			),
	}),
	kind('Cluster', schema.clusters, rows.Cluster),
	kind('MetricRef', schema.metric_refs, rows.MetricRef),
	kind('AuditLog', schema.audit_logs, rows.AuditLog, { at_once: 200 }),
	kind('AuditSeal', schema.audit_seals, rows.AuditSeal, { ascends: 'audit_id' }),
];

/** What stays here: secrets, what lives for moments, and what only this hub's own machinery means. */
export const NOT_ARCHIVED: readonly string[] = [
	schema.sessions,
	schema.api_tokens,
	schema.login_attempts,
	schema.second_factors,
	schema.recovery_codes,
	schema.spent_states,
	schema.enrolments,
	schema.idempotency_keys,
	schema.run_streams,
	schema.watches,
	schema.feeds,
	// Made of the jobs again.
	schema.job_tags,
	// A signature names the hub it was given for.
	schema.job_signatures,
	schema.hub_secrets,
	schema.hook_deliveries,
	schema.webhook_deliveries,
	// What people were told here.
	schema.notifications,
	schema.mails,
	schema.imports,
	schema.import_chunks,
].map((table) => getTableName(table));
