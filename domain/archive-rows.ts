import { z } from 'zod';
import { Access } from './access.ts';
import { Agent, HostReport } from './agent.ts';
import { AlertSource, AlertSourceCreate } from './alert.ts';
import { Approval } from './approval.ts';
import { AuditLog } from './audit.ts';
import type { Execution } from './backend.ts';
import { executionErrors } from './backend-config.ts';
import { Cluster, ClusterCreate } from './cluster.ts';
import { Color, Id, Name, Sha256, stamps, Text, Time } from './common.ts';
import { Environment, EnvironmentCreate } from './environment.ts';
import { Attendees, Event } from './event.ts';
import { Freeze, windowError } from './freeze.ts';
import { Group } from './group.ts';
import { IncidentEntry } from './incident-entry.ts';
import { IncidentLink } from './incident-link.ts';
import { Incident } from './incident.ts';
import { InventoryView } from './inventory.ts';
import { Arguments, ConcurrencyKey, Job, Tags } from './job.ts';
import { MetricRef, MetricRefCreate } from './metric-ref.ts';
import { NotificationChoice } from './notification.ts';
import { ActionItem, PostMortem, PostMortemVersion } from './postmortem.ts';
import { Project, ProjectCreate } from './project.ts';
import type { Series } from './recurrence.ts';
import { GitChange, GitChangeCreate, GitRepo, GitRepoCreate } from './repo.ts';
import { RUN_STEPS_MAX, RunStep } from './run-step.ts';
import { Run } from './run.ts';
import { FsPath, ScriptRef } from './script.ts';
import { SecretRef } from './secret-ref.ts';
import { seriesEnd, seriesFault } from './series.ts';
import { TerraformPlanView } from './terraform.ts';
import { User, UserCreate, Username } from './user.ts';
import { Webhook, WebhookCreate } from './webhook.ts';

// What a line of each kind holds: the columns of its table, every one of them, as the answers of the API have them and
// within the bounds of its requests. What lies between two columns is asked here too, so that a refusal can name one.

type Check<R> = (row: R) => { path: string[]; message: string } | null;

const row = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape);
const checked = <S extends z.ZodType>(schema: S, ...checks: Check<z.output<S>>[]) =>
	schema.superRefine((it, ctx) => {
		for (const check of checks) {
			const fault = check(it);
			if (fault) ctx.addIssue({ code: 'custom', ...fault });
		}
	});

const backend: Check<Execution> = (it) => {
	const [first] = executionErrors(it, null);
	return first ? { path: first.path.split('.'), message: first.message } : null;
};
const inOrder =
	<K extends string>(from: K, to: K): Check<Partial<Record<K, string | null>>> =>
	(it) => {
		const [a, b] = [it[from], it[to]];
		return a && b && a >= b ? { path: [to], message: `must be after ${from}` } : null;
	};

const recurs: Check<Series & { recurs_until: string | null }> = (it) => {
	const fault = seriesFault(it);
	if (fault) return { ...fault, path: fault.path.split('.') };
	return it.recurs_until === (it.recurrence && seriesEnd(it))
		? null
		: { path: ['recurs_until'], message: 'is not when the last time ends' };
};
const jobRecurs: Check<Pick<Job, 'planned_start' | 'planned_end' | 'recurrence' | 'auto_start' | 'next_start'>> = (
	it,
) => {
	const { planned_start, planned_end, recurrence } = it;
	if (it.next_start !== null && !(recurrence && it.auto_start))
		return { path: ['next_start'], message: 'is of what recurs and starts by itself' };
	if (recurrence === null) return null;
	if (planned_start === null) return { path: ['recurrence'], message: 'needs planned_start' };
	const fault = seriesFault({ start: planned_start, end: planned_end, recurrence });
	if (!fault) return null;
	const path = { start: 'planned_start', end: 'planned_end', 'recurrence.rrule': 'recurrence' }[fault.path];
	return { path: [path], message: fault.message };
};

const description = Text(2000).nullable();
const long = Text(10_000).nullable();
const section = Text(60_000);
const sections = { summary: section, impact: section, root_cause: section.nullable(), timeline: section };
const source = {
	source_location: z.string().min(1).max(1024),
	revision: GitRepoCreate.shape.default_branch.unwrap().nullable(),
};

const choice = {
	channels: NotificationChoice.shape.channels.unwrap(),
	projects: NotificationChoice.shape.projects.unwrap(),
	severity: NotificationChoice.shape.severity.unwrap(),
	quiet: NotificationChoice.shape.quiet.unwrap(),
};

export const archiveRows = {
	User: row({
		...User.shape,
		username: Username,
		email: UserCreate.shape.email.unwrap(),
		display_name: Name(80).nullable(),
	}),
	Identity: row({
		id: Id,
		user_id: Id,
		provider: z
			.string()
			.max(2000)
			.regex(/^oidc:/, 'expected a provider, as oidc:ISSUER'),
		subject: z.string().min(1).max(255),
		...stamps,
	}),
	NotificationChoice: row({ user_id: Id, ...choice, updated_at: Time }),
	Group: row({ ...Group.omit({ members: true, projects: true }).shape, name: Name(80), description }),
	GroupUser: row({ group_id: Id, user_id: Id, role_in_group: Name(80).nullable(), ...stamps }),
	Project: checked(row({ ...Project.shape, name: ProjectCreate.shape.name, description, color: Color }), backend),
	ProjectGroup: row({ project_id: Id, group_id: Id, access: Access, ...stamps }),
	Environment: checked(row({ ...Environment.shape, name: EnvironmentCreate.shape.name, description }), backend),
	Freeze: checked(row({ ...Freeze.shape, title: Name(160), reason: Text(2000) }), windowErrorOf, recurs, (it) =>
		it.project_id === null && it.environment_id !== null
			? { path: ['environment_id'], message: 'is of a project: name that too' }
			: null,
	),
	Webhook: row({
		...Webhook.omit({ user_id: true }).shape,
		name: WebhookCreate.shape.name,
		url: WebhookCreate.shape.url,
		events: WebhookCreate.shape.events,
		status: z.literal('disabled'),
		disabled_reason: z.literal('archived'),
	}),
	AlertSource: row({
		...AlertSource.shape,
		name: AlertSourceCreate.shape.name,
		group_by: AlertSourceCreate.shape.group_by.unwrap(),
		secret_ref: AlertSourceCreate.shape.secret_ref.unwrap(),
	}),
	Agent: row({
		...Agent.omit({ public_key: true, fingerprint: true, host: true, busy: true }).shape,
		name: Name(60),
		agent_version: z.string().max(40),
		status: Agent.shape.status.exclude(['online']),
	}),
	ServerStatus: row({ ...HostReport.shape, id: Id, agent_id: Id, span_min: z.int().min(1).max(1440) }),
	GitRepo: row({
		...GitRepo.shape,
		name: GitRepoCreate.shape.name,
		url: GitRepoCreate.shape.url,
		default_branch: GitRepoCreate.shape.default_branch.unwrap(),
		credentials_ref: SecretRef.nullable(),
		webhook_secret_ref: GitRepoCreate.shape.webhook_secret_ref.unwrap(),
	}),
	ScriptRef: checked(
		row({
			...ScriptRef.shape,
			name: Name(120),
			description,
			location: z.string().min(1).max(1024),
			revision: source.revision,
			vault_secret_ref: SecretRef.nullable(),
		}),
		(it) =>
			it.location_type === 'uploaded' || FsPath.safeParse(it.location).success
				? null
				: { path: ['location'], message: 'expected a relative path, without .. and without a dash at its beginning' },
	),
	Job: checked(
		row({
			...Job.shape,
			title: Name(160),
			description: long,
			tags: Tags,
			timeout_s: z.int().min(1).max(604_800),
			start_within_s: z.int().min(60).max(2_592_000),
			arguments: Arguments,
			concurrency_key: ConcurrencyKey.nullable(),
		}),
		inOrder('planned_start', 'planned_end'),
		jobRecurs,
		backend,
	),
	JobScriptRef: row({ job_id: Id, script_id: Id, position: z.int().min(0).max(1000) }),
	Run: checked(
		row({
			...Run.shape,
			stdout_excerpt: z.string().max(20_000).nullable(),
			stderr_excerpt: z.string().max(20_000).nullable(),
			note: z.string().max(2000).nullable(),
			break_freeze: z.string().max(2000).nullable(),
			hosts: z.array(z.string().max(253)).max(500).nullable(),
			concurrency_key: ConcurrencyKey.nullable(),
			request_hash: Sha256.nullable(),
			steps: z.array(RunStep).max(RUN_STEPS_MAX),
		}),
		({ id, log_path }) =>
			log_path === null || log_path === `runs/${String(id)}`
				? null
				: { path: ['log_path'], message: 'is not where the log of this run lies' },
	),
	Approval: row({ ...Approval.shape, hash: Sha256, reason: Text(500).nullable() }),
	Event: checked(
		row({ ...Event.shape, title: Name(160), color: Color.nullable(), attendees: Attendees }),
		inOrder('start', 'end'),
		recurs,
	),
	Incident: checked(
		row({ ...Incident.shape, title: Name(160), description: long, dedupe_key: Name(200).nullable() }),
		(it) =>
			it.started_at !== null && it.started_at > it.detected_at
				? { path: ['started_at'], message: 'must not be after detected_at' }
				: null,
	),
	IncidentEntry: row({ ...IncidentEntry.shape, body: Text(10_000) }),
	IncidentLink: checked(row(IncidentLink.shape), ({ kind, job_id, run_id, event_id }) => {
		const given = { job: job_id, run: run_id, event: event_id };
		const wrong = (['job', 'run', 'event'] as const).find((it) => (given[it] !== null) !== (it === kind));
		return wrong ? { path: [`${wrong}_id`], message: `does not fit a link to a ${kind}` } : null;
	}),
	PostMortem: row({ ...PostMortem.shape, ...sections, action_items: section }),
	PostMortemVersion: row({ ...PostMortemVersion.shape, ...sections, action_items: section }),
	ActionItem: row({ ...ActionItem.shape, title: Name(200) }),
	GitChange: row({
		...GitChange.shape,
		external_id: GitChangeCreate.shape.external_id,
		title: GitChangeCreate.shape.title.unwrap(),
		url: GitChangeCreate.shape.url.unwrap(),
		author: GitChangeCreate.shape.author.unwrap(),
		branch: GitChangeCreate.shape.branch.unwrap(),
	}),
	Inventory: row({ ...InventoryView.shape, ...source, summary: description }),
	TerraformPlan: row({
		...TerraformPlanView.shape,
		...source,
		summary: description,
		terraform_version: z.string().max(200).nullable(),
	}),
	Cluster: row({
		...Cluster.shape,
		name: ClusterCreate.shape.name,
		kubeconfig_ref: SecretRef,
		api_server_url: ClusterCreate.shape.api_server_url.unwrap(),
	}),
	MetricRef: row({ ...MetricRef.shape, label: MetricRefCreate.shape.label, url: MetricRefCreate.shape.url }),
	/** History: it refers to rows that may be gone. */
	AuditLog: row({
		...AuditLog.omit({ prev_hash: true, hash: true }).shape,
		timestamp: Time,
		action: z.string().max(200),
		object_type: z.string().max(200),
		ip: z.string().max(200).nullable(),
		request_id: z.string().max(200),
	}),
	AuditSeal: row({ audit_id: Id, prev_hash: Sha256, hash: Sha256 }),
} as const;

export type ArchiveKind = keyof typeof archiveRows;

function windowErrorOf(it: { start: string; end: string }) {
	return windowError(it);
}
