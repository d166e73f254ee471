import { z } from 'zod';
import type { AuditLog } from '#domain/audit.ts';
import { permissions } from '#domain/permissions.ts';
import { m } from '#lib/paraglide/messages.js';

/** What the hub's own doings are called, beside the actions people are permitted. */
const byItself = [
	'agent.join',
	'change.receive',
	'hub.seed',
	'hub.setup',
	'identity.link',
	'job.skip',
	'run.ask_approval',
	'run.finish',
	'run.grant',
	'session.create',
] as const;

/** Reading is not written down. */
const reads =
	/\.(list|read|state|history|verify|status|metrics)$|^(notification\.mark|run\.start_prod|freeze\.everywhere|token\.of_others)$/;

/** Every action there may be a row of, in order. */
export const auditActions: string[] = [...Object.keys(permissions).filter((a) => !reads.test(a)), ...byItself].sort();

export const objectTypes = [
	'ActionItem',
	'Agent',
	'ApiToken',
	'Cluster',
	'Enrolment',
	'Environment',
	'Event',
	'Freeze',
	'GitChange',
	'GitRepo',
	'Group',
	'Hub',
	'Incident',
	'IncidentEntry',
	'IncidentLink',
	'Inventory',
	'Job',
	'MetricRef',
	'PostMortem',
	'Project',
	'Run',
	'ScriptRef',
	'TerraformPlan',
	'User',
] as const;

/** What the list takes from the address, and its file as well. */
export const auditFilters = [
	'q',
	'action',
	'object_type',
	'object_id',
	'project_id',
	'user_id',
	'actor_kind',
	'from',
	'to',
] as const;

export const actorKinds: Record<AuditLog['actor_kind'], () => string> = {
	user: m.audit_actor_user,
	token: m.audit_actor_token,
	agent: m.agent,
	system: m.audit_actor_system,
};

const pages: Record<string, (id: number) => string> = {
	Agent: (id) => `/fleet/${String(id)}`,
	Incident: (id) => `/incidents/${String(id)}`,
	Job: (id) => `/jobs/${String(id)}`,
	Project: (id) => `/projects/${String(id)}`,
	Run: (id) => `/runs/${String(id)}`,
	ScriptRef: (id) => `/scripts/${String(id)}`,
};

/** The page of what it is about. Null where there is none, or it is gone. */
export const pageOfObject = ({ object_type, object_id, action }: AuditLog): string | null =>
	object_id === null || action.endsWith('.delete') ? null : (pages[object_type]?.(object_id) ?? null);

const Edit = z.object({ changes: z.record(z.string(), z.object({ from: z.unknown(), to: z.unknown() })) });

export interface Told {
	/** Each field before and after. */
	changes: { field: string; from: unknown; to: unknown }[];
	/** What else the row says. */
	facts: [string, unknown][];
}

/** An entry's metadata, for people. */
export function told(entry: AuditLog): Told {
	const edit = Edit.safeParse(entry.metadata);
	const rest = Object.entries(entry.metadata).filter(([key]) => !edit.success || key !== 'changes');
	return {
		changes: edit.success ? Object.entries(edit.data.changes).map(([field, c]) => ({ field, ...c })) : [],
		facts: rest,
	};
}

/** A value of the metadata as text: texts as they are, the rest as JSON, spread over lines where that reads better. */
export function asText(value: unknown): string {
	if (value === null || value === undefined) return '';
	if (typeof value === 'string') return value;
	const short = JSON.stringify(value);
	return short.length > 60 ? JSON.stringify(value, null, 2) : short;
}
