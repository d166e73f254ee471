// Made of the hub's OpenAPI document by `npm run routes`, and held to it by a test. Types only: nothing of this reaches a bundle.
import type { z } from 'zod';
import type { Agent, AgentPatch, EnrolAnswer, EnrolRequest, Enrolment, EnrolmentCreate } from '#domain/agent.ts';
import type {
	AlertPreview,
	AlertPreviewed,
	AlertSource,
	AlertSourceCreate,
	AlertSourcePatch,
	AlertSourceWithPath,
	AlertsTaken,
} from '#domain/alert.ts';
import type { ApprovalDecide, ApprovalView } from '#domain/approval.ts';
import type { AuditLog, AuditVerified } from '#domain/audit.ts';
import type { CalendarEntry } from '#domain/calendar-entry.ts';
import type { Cluster, ClusterCreate, ClusterPatch } from '#domain/cluster.ts';
import type { Environment, EnvironmentCreate, EnvironmentPatch } from '#domain/environment.ts';
import type { Event, EventCreate, EventPatch } from '#domain/event.ts';
import type { CalendarState, Freeze, FreezeCreate, FreezePatch, FreezeTime } from '#domain/freeze.ts';
import type { HookTaken } from '#domain/git-hook.ts';
import type {
	Group,
	GroupCreate,
	GroupPatch,
	GroupUser,
	GroupUserPut,
	ProjectGroup,
	ProjectGroupPut,
} from '#domain/group.ts';
import type { HubSecret, HubSecretPut } from '#domain/hub-secret.ts';
import type { HubStatus } from '#domain/hub.ts';
import type { IncidentChange } from '#domain/incident-change.ts';
import type { EntryCreate, EntryPatch, IncidentEntry } from '#domain/incident-entry.ts';
import type { IncidentLinkView, LinkCreate, LinkPatch } from '#domain/incident-link.ts';
import type {
	HandOver,
	IncidentCreate,
	IncidentDetail,
	IncidentPatch,
	IncidentView,
	ReopenReason,
	StepNote,
} from '#domain/incident.ts';
import type { Inventory, InventoryCreate, InventoryPatch, InventoryView } from '#domain/inventory.ts';
import type { JobSignature, JobTemplate, Signature } from '#domain/job-signature.ts';
import type { Job, JobCreate, JobItem, JobPatch, JobView } from '#domain/job.ts';
import type { LogHits, LogLines } from '#domain/log.ts';
import type { MailConfirm } from '#domain/mail.ts';
import type { MetricRef, MetricRefCreate, MetricRefPatch } from '#domain/metric-ref.ts';
import type {
	NotificationChoice,
	NotificationPage,
	NotificationPreferences,
	NotificationsRead,
} from '#domain/notification.ts';
import type {
	ActionItem,
	ActionItemCreate,
	ActionItemPatch,
	PostMortem,
	PostMortemCreate,
	PostMortemPatch,
	PostMortemVersion,
	PostMortemVersionItem,
} from '#domain/postmortem.ts';
import type { Project, ProjectCreate, ProjectHandOver, ProjectPatch, ProjectView } from '#domain/project.ts';
import type { GitChange, GitChangeCreate, GitChangePatch, GitRepo, GitRepoCreate, GitRepoPatch } from '#domain/repo.ts';
import type { RunCallback } from '#domain/run-callback.ts';
import type { Run, RunItem, RunStart } from '#domain/run.ts';
import type { ScriptCreate, ScriptPatch, ScriptRef } from '#domain/script.ts';
import type {
	BeginInput,
	CodeInput,
	Proof,
	RecoveryCodes,
	SecondFactor,
	SecondFactorSecret,
} from '#domain/second-factor.ts';
import type { CodeNeeded, SignInMethods } from '#domain/sign-in.ts';
import type {
	PlanApply,
	PlanDiff,
	TerraformPlan,
	TerraformPlanCreate,
	TerraformPlanPatch,
	TerraformPlanView,
} from '#domain/terraform.ts';
import type { ApiToken, ApiTokenCreate, ApiTokenMade, ApiTokenPatch } from '#domain/token.ts';
import type {
	FirstAdmin,
	Login,
	MePatch,
	PasswordChange,
	PasswordReset,
	PasswordWasReset,
	PublicUser,
	SessionView,
	User,
	UserCreate,
	UserMade,
	UserPatch,
} from '#domain/user.ts';
import type {
	OwnWebhookCreate,
	Webhook,
	WebhookCreate,
	WebhookDelivery,
	WebhookPatch,
	WebhookWithSecret,
} from '#domain/webhook.ts';

/** Of one kind of item, where there are several. */
type Page<Item> = Item extends unknown ? { items: Item[]; next_cursor: string | null } : never;

export interface Routes {
	'GET /health': { answer: { status: 'ok'; version: string } };
	'GET /hub/status': { answer: z.output<typeof HubStatus> };
	'GET /setup': { answer: { needed: boolean } };
	'POST /auth/setup': { body: z.input<typeof FirstAdmin>; answer: z.output<typeof User> };
	'POST /auth/logout': { body: Record<string, never>; answer: null };
	'GET /auth/me': { answer: z.output<typeof User> };
	'GET /export': { query: 'logs' | 'documents'; answer: string };
	'POST /imports': { body: Record<string, never>; answer: { id: string; next_line: number; complete: boolean } };
	'GET /imports/:': { answer: { id: string; next_line: number; complete: boolean } };
	'POST /imports/:/lines': {
		query: 'from';
		body: Uint8Array;
		answer: { id: string; next_line: number; complete: boolean };
	};
	'POST /imports/:/finish': { body: z.input<typeof FirstAdmin>; answer: z.output<typeof User> };
	'GET /auth/methods': { answer: z.output<typeof SignInMethods> };
	'POST /auth/login': { body: z.input<typeof Login>; answer: z.output<typeof User> | z.output<typeof CodeNeeded> };
	'POST /auth/code': { body: z.input<typeof CodeInput>; answer: z.output<typeof User> };
	'GET /auth/oidc/start': { query: 'next'; answer: null };
	'GET /auth/oidc/callback': { answer: null };
	'GET /me/totp': { answer: z.output<typeof SecondFactor> };
	'POST /me/totp': { body: z.input<typeof BeginInput>; answer: z.output<typeof SecondFactorSecret> };
	'POST /me/totp/confirm': { body: z.input<typeof CodeInput>; answer: z.output<typeof RecoveryCodes> };
	'POST /me/totp/recovery-codes': { body: z.input<typeof Proof>; answer: z.output<typeof RecoveryCodes> };
	'POST /me/totp/disable': { body: z.input<typeof Proof>; answer: null };
	'POST /users/:/totp/reset': { body: Record<string, never>; answer: null };
	'PATCH /me': { body: z.input<typeof MePatch>; answer: z.output<typeof User> };
	'POST /me/password': { body: z.input<typeof PasswordChange>; answer: null };
	'GET /me/sessions': { query: 'limit' | 'cursor' | 'q' | 'sort'; answer: Page<z.output<typeof SessionView>> };
	'DELETE /me/sessions': { answer: null };
	'DELETE /me/sessions/:': { answer: null };
	'GET /me/notifications': {
		query: 'limit' | 'cursor' | 'sort' | 'unread' | 'event';
		answer: z.output<typeof NotificationPage>;
	};
	'POST /me/notifications/read': { body: z.input<typeof NotificationsRead>; answer: { unread: number } };
	'POST /me/notifications/test': { body: Record<string, never>; answer: null };
	'GET /me/notification-preferences': { answer: z.output<typeof NotificationPreferences> };
	'PUT /me/notification-preferences': {
		body: z.input<typeof NotificationChoice>;
		answer: z.output<typeof NotificationPreferences>;
	};
	'POST /me/webhook': { body: z.input<typeof OwnWebhookCreate>; answer: z.output<typeof WebhookWithSecret> };
	'POST /me/email/check': { body: Record<string, never>; answer: null };
	'POST /me/email/confirm': { body: z.input<typeof MailConfirm>; answer: null };
	'GET /tokens': { query: 'limit' | 'cursor' | 'q' | 'sort' | 'user_id'; answer: Page<z.output<typeof ApiToken>> };
	'POST /tokens': { body: z.input<typeof ApiTokenCreate>; answer: z.output<typeof ApiTokenMade> };
	'GET /tokens/:': { answer: z.output<typeof ApiToken> };
	'PATCH /tokens/:': { body: z.input<typeof ApiTokenPatch>; answer: z.output<typeof ApiToken> };
	'DELETE /tokens/:': { answer: null };
	'GET /users': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'role' | 'is_active';
		answer: Page<z.output<typeof User> | z.output<typeof PublicUser>>;
	};
	'POST /users': { body: z.input<typeof UserCreate>; answer: z.output<typeof UserMade> };
	'GET /users/:': { answer: z.output<typeof User> };
	'PATCH /users/:': { body: z.input<typeof UserPatch>; answer: z.output<typeof User> };
	'DELETE /users/:': { answer: null };
	'POST /users/:/password': { body: z.input<typeof PasswordReset>; answer: z.output<typeof PasswordWasReset> };
	'GET /audit': {
		query:
			| 'action'
			| 'object_type'
			| 'object_id'
			| 'project_id'
			| 'user_id'
			| 'actor_kind'
			| 'from'
			| 'to'
			| 'q'
			| 'limit'
			| 'cursor'
			| 'sort';
		answer: Page<z.output<typeof AuditLog>>;
	};
	'GET /audit/verify': { query: 'cursor'; answer: z.output<typeof AuditVerified> };
	'GET /audit/export': {
		query:
			'action' | 'object_type' | 'object_id' | 'project_id' | 'user_id' | 'actor_kind' | 'from' | 'to' | 'q' | 'format';
		answer: string;
	};
	'GET /groups': { query: 'limit' | 'cursor' | 'q' | 'sort'; answer: Page<z.output<typeof Group>> };
	'POST /groups': { body: z.input<typeof GroupCreate>; answer: z.output<typeof Group> };
	'GET /groups/:': { answer: z.output<typeof Group> };
	'PATCH /groups/:': { body: z.input<typeof GroupPatch>; answer: z.output<typeof Group> };
	'DELETE /groups/:': { answer: null };
	'GET /groups/:/members': { query: 'limit' | 'cursor' | 'q' | 'sort'; answer: Page<z.output<typeof GroupUser>> };
	'PUT /groups/:/members/:': { body: z.input<typeof GroupUserPut>; answer: z.output<typeof GroupUser> };
	'DELETE /groups/:/members/:': { answer: null };
	'GET /projects/:/groups': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'access';
		answer: Page<z.output<typeof ProjectGroup>>;
	};
	'PUT /projects/:/groups/:': { body: z.input<typeof ProjectGroupPut>; answer: z.output<typeof ProjectGroup> };
	'DELETE /projects/:/groups/:': { answer: null };
	'GET /projects': { query: 'limit' | 'cursor' | 'q' | 'sort' | 'status'; answer: Page<z.output<typeof ProjectView>> };
	'POST /projects': { body: z.input<typeof ProjectCreate>; answer: z.output<typeof ProjectView> };
	'GET /projects/:': { answer: z.output<typeof ProjectView> };
	'PATCH /projects/:': { body: z.input<typeof ProjectPatch>; answer: z.output<typeof ProjectView> };
	'DELETE /projects/:': { answer: null };
	'POST /projects/:/owner': { body: z.input<typeof ProjectHandOver>; answer: z.output<typeof Project> };
	'GET /projects/:/environments': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'type';
		answer: Page<z.output<typeof Environment>>;
	};
	'POST /projects/:/environments': { body: z.input<typeof EnvironmentCreate>; answer: z.output<typeof Environment> };
	'GET /environments/:': { answer: z.output<typeof Environment> };
	'PATCH /environments/:': { body: z.input<typeof EnvironmentPatch>; answer: z.output<typeof Environment> };
	'DELETE /environments/:': { answer: null };
	'GET /projects/:/scripts': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'tool' | 'location_type';
		answer: Page<z.output<typeof ScriptRef>>;
	};
	'POST /projects/:/scripts': { body: z.input<typeof ScriptCreate>; answer: z.output<typeof ScriptRef> };
	'GET /scripts/:': { answer: z.output<typeof ScriptRef> };
	'PATCH /scripts/:': { body: z.input<typeof ScriptPatch>; answer: z.output<typeof ScriptRef> };
	'DELETE /scripts/:': { answer: null };
	'GET /scripts/:/jobs': { query: 'limit' | 'cursor' | 'q' | 'sort' | 'status'; answer: Page<z.output<typeof Job>> };
	'GET /scripts/:/content': { answer: string };
	'PUT /scripts/:/content': { body: Uint8Array; answer: z.output<typeof ScriptRef> };
	'GET /projects/:/repos': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'provider';
		answer: Page<z.output<typeof GitRepo>>;
	};
	'POST /projects/:/repos': { body: z.input<typeof GitRepoCreate>; answer: z.output<typeof GitRepo> };
	'GET /repos/:': { answer: z.output<typeof GitRepo> };
	'PATCH /repos/:': { body: z.input<typeof GitRepoPatch>; answer: z.output<typeof GitRepo> };
	'DELETE /repos/:': { answer: null };
	'GET /repos/:/changes': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'change_type' | 'repo_id' | 'job_id' | 'incident_id';
		answer: Page<z.output<typeof GitChange>>;
	};
	'POST /repos/:/changes': { body: z.input<typeof GitChangeCreate>; answer: z.output<typeof GitChange> };
	'GET /projects/:/changes': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'change_type' | 'repo_id' | 'job_id' | 'incident_id';
		answer: Page<z.output<typeof GitChange>>;
	};
	'GET /jobs/:/changes': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'change_type' | 'repo_id' | 'job_id' | 'incident_id';
		answer: Page<z.output<typeof GitChange>>;
	};
	'GET /changes/:': { answer: z.output<typeof GitChange> };
	'PATCH /changes/:': { body: z.input<typeof GitChangePatch>; answer: z.output<typeof GitChange> };
	'DELETE /changes/:': { answer: null };
	'GET /projects/:/inventories': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'source_type' | 'repo_id';
		answer: Page<z.output<typeof Inventory>>;
	};
	'POST /projects/:/inventories': { body: z.input<typeof InventoryCreate>; answer: z.output<typeof InventoryView> };
	'GET /inventories/:': { answer: z.output<typeof InventoryView> };
	'PATCH /inventories/:': { body: z.input<typeof InventoryPatch>; answer: z.output<typeof InventoryView> };
	'DELETE /inventories/:': { answer: null };
	'GET /inventories/:/content': { answer: string };
	'GET /projects/:/terraform-plans': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'source_type' | 'repo_id' | 'job_id' | 'run_id';
		answer: Page<z.output<typeof TerraformPlan>>;
	};
	'POST /projects/:/terraform-plans': {
		body: z.input<typeof TerraformPlanCreate>;
		answer: z.output<typeof TerraformPlanView>;
	};
	'GET /terraform-plans/:': { answer: z.output<typeof TerraformPlanView> };
	'PATCH /terraform-plans/:': { body: z.input<typeof TerraformPlanPatch>; answer: z.output<typeof TerraformPlanView> };
	'DELETE /terraform-plans/:': { answer: null };
	'POST /terraform-plans/:/apply': { body: z.input<typeof PlanApply>; answer: z.output<typeof Run> };
	'GET /terraform-plans/:/diff': { answer: z.output<typeof PlanDiff> };
	'GET /projects/:/clusters': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'environment_id';
		answer: Page<z.output<typeof Cluster>>;
	};
	'POST /projects/:/clusters': { body: z.input<typeof ClusterCreate>; answer: z.output<typeof Cluster> };
	'GET /clusters/:': { answer: z.output<typeof Cluster> };
	'PATCH /clusters/:': { body: z.input<typeof ClusterPatch>; answer: z.output<typeof Cluster> };
	'DELETE /clusters/:': { answer: null };
	'GET /projects/:/hub-secrets': { query: 'limit' | 'cursor' | 'q' | 'sort'; answer: Page<z.output<typeof HubSecret>> };
	'PUT /projects/:/hub-secrets/:': { body: z.input<typeof HubSecretPut>; answer: z.output<typeof HubSecret> };
	'DELETE /projects/:/hub-secrets/:': { answer: null };
	'GET /projects/:/metric-refs': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'incident_id';
		answer: Page<z.output<typeof MetricRef>>;
	};
	'POST /projects/:/metric-refs': { body: z.input<typeof MetricRefCreate>; answer: z.output<typeof MetricRef> };
	'GET /metric-refs/:': { answer: z.output<typeof MetricRef> };
	'PATCH /metric-refs/:': { body: z.input<typeof MetricRefPatch>; answer: z.output<typeof MetricRef> };
	'DELETE /metric-refs/:': { answer: null };
	'GET /jobs': {
		query:
			| 'limit'
			| 'cursor'
			| 'q'
			| 'sort'
			| 'status'
			| 'job_type'
			| 'priority'
			| 'environment_id'
			| 'owner_id'
			| 'requested_by_id'
			| 'tags'
			| 'project_id';
		answer: Page<z.output<typeof JobItem>>;
	};
	'GET /projects/:/jobs': {
		query:
			| 'limit'
			| 'cursor'
			| 'q'
			| 'sort'
			| 'status'
			| 'job_type'
			| 'priority'
			| 'environment_id'
			| 'owner_id'
			| 'requested_by_id'
			| 'tags';
		answer: Page<z.output<typeof JobItem>>;
	};
	'POST /projects/:/jobs': { body: z.input<typeof JobCreate>; answer: z.output<typeof JobView> };
	'GET /jobs/:': { answer: z.output<typeof JobView> };
	'PATCH /jobs/:': { body: z.input<typeof JobPatch>; answer: z.output<typeof JobView> };
	'DELETE /jobs/:': { answer: null };
	'GET /jobs/:/scripts': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'tool';
		answer: Page<z.output<typeof ScriptRef>>;
	};
	'POST /jobs/:/runs': { body: z.input<typeof RunStart>; answer: z.output<typeof Run> };
	'GET /jobs/:/signatures': {
		query: 'limit' | 'cursor' | 'sort' | 'environment_id';
		answer: Page<z.output<typeof JobSignature>>;
	};
	'GET /jobs/:/template': { query: 'environment_id'; answer: z.output<typeof JobTemplate> };
	'PUT /jobs/:/signature': {
		query: 'environment_id';
		body: z.input<typeof Signature>;
		answer: z.output<typeof JobSignature>;
	};
	'DELETE /jobs/:/signature': { query: 'environment_id'; answer: null };
	'GET /runs': {
		query:
			| 'limit'
			| 'cursor'
			| 'q'
			| 'sort'
			| 'status'
			| 'project_id'
			| 'job_id'
			| 'environment_id'
			| 'agent_id'
			| 'triggered_by_id'
			| 'backend'
			| 'priority'
			| 'attempt'
			| 'from'
			| 'to'
			| 'retry_of'
			| 'needs_my_approval';
		answer: Page<z.output<typeof RunItem>>;
	};
	'GET /runs/:': { query: 'wait'; answer: z.output<typeof Run> };
	'POST /runs/:/cancel': { body: Record<string, never>; answer: z.output<typeof Run> };
	'POST /runs/:/retry': { body: Record<string, never>; answer: z.output<typeof Run> };
	'POST /hooks/runs/:': { body: z.input<typeof RunCallback>; answer: null };
	'GET /runs/:/approvals': { answer: z.output<typeof ApprovalView> };
	'POST /runs/:/approve': { body: z.input<typeof ApprovalDecide>; answer: z.output<typeof Run> };
	'POST /runs/:/reject': { body: z.input<typeof ApprovalDecide>; answer: z.output<typeof Run> };
	'GET /runs/:/log': { query: 'stream'; answer: string };
	'GET /runs/:/log/lines': { query: 'from' | 'count'; answer: z.output<typeof LogLines> };
	'GET /runs/:/log/search': { query: 'q' | 'from_line' | 'limit'; answer: z.output<typeof LogHits> };
	'POST /hooks/:/:': { body: Record<string, never>; answer: z.output<typeof HookTaken> };
	'GET /me/feed': { answer: { feed: { created_at: string; last_used_at: string | null } | null } };
	'POST /me/feed': {
		body: Record<string, never>;
		answer: { calendar_url: string; incidents_url: string; created_at: string };
	};
	'DELETE /me/feed': { answer: null };
	'GET /calendar.ics': { query: 'token'; answer: string };
	'GET /incidents.atom': { query: 'token'; answer: string };
	'GET /projects/:/events': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'event_type' | 'job_id' | 'from' | 'to';
		answer: Page<z.output<typeof Event>>;
	};
	'POST /projects/:/events': { body: z.input<typeof EventCreate>; answer: z.output<typeof Event> };
	'GET /events/:': { answer: z.output<typeof Event> };
	'PATCH /events/:': { body: z.input<typeof EventPatch>; answer: z.output<typeof Event> };
	'DELETE /events/:': { answer: null };
	'GET /calendar': { query: 'start' | 'end' | 'project_id' | 'timeZone'; answer: z.output<typeof CalendarEntry>[] };
	'GET /freezes': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'project_id' | 'environment_id' | 'active_at' | 'from';
		answer: Page<z.output<typeof Freeze>>;
	};
	'POST /freezes': { body: z.input<typeof FreezeCreate>; answer: z.output<typeof Freeze> };
	'GET /freezes/:': { answer: z.output<typeof Freeze> };
	'PATCH /freezes/:': { body: z.input<typeof FreezePatch>; answer: z.output<typeof Freeze> };
	'DELETE /freezes/:': { answer: null };
	'GET /calendar/freezes': {
		query: 'start' | 'end' | 'project_id' | 'timeZone';
		answer: z.output<typeof FreezeTime>[];
	};
	'GET /calendar/state': { query: 'project_id' | 'environment_id' | 'at'; answer: z.output<typeof CalendarState> };
	'GET /incidents': {
		query:
			| 'limit'
			| 'cursor'
			| 'q'
			| 'sort'
			| 'status'
			| 'active'
			| 'severity'
			| 'environment_id'
			| 'commander_id'
			| 'job_id'
			| 'from'
			| 'to'
			| 'project_id';
		answer: Page<z.output<typeof IncidentView>>;
	};
	'GET /projects/:/incidents': {
		query:
			| 'limit'
			| 'cursor'
			| 'q'
			| 'sort'
			| 'status'
			| 'active'
			| 'severity'
			| 'environment_id'
			| 'commander_id'
			| 'job_id'
			| 'from'
			| 'to';
		answer: Page<z.output<typeof IncidentView>>;
	};
	'POST /projects/:/incidents': { body: z.input<typeof IncidentCreate>; answer: z.output<typeof IncidentView> };
	'GET /incidents/:': { answer: z.output<typeof IncidentDetail> };
	'PATCH /incidents/:': { body: z.input<typeof IncidentPatch>; answer: z.output<typeof IncidentView> };
	'DELETE /incidents/:': { answer: null };
	'POST /incidents/:/acknowledge': { body: z.input<typeof StepNote>; answer: z.output<typeof IncidentView> };
	'POST /incidents/:/mitigate': { body: z.input<typeof StepNote>; answer: z.output<typeof IncidentView> };
	'POST /incidents/:/resolve': { body: z.input<typeof StepNote>; answer: z.output<typeof IncidentView> };
	'POST /incidents/:/close': { body: z.input<typeof StepNote>; answer: z.output<typeof IncidentView> };
	'POST /incidents/:/reopen': { body: z.input<typeof ReopenReason>; answer: z.output<typeof IncidentView> };
	'POST /incidents/:/roles': { body: z.input<typeof HandOver>; answer: z.output<typeof IncidentView> };
	'GET /incidents/:/changes': { query: 'hours' | 'limit'; answer: Page<z.output<typeof IncidentChange>> };
	'GET /incidents/:/entries': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'kind' | 'pinned' | 'hidden';
		answer: Page<z.output<typeof IncidentEntry>>;
	};
	'POST /incidents/:/entries': { body: z.input<typeof EntryCreate>; answer: z.output<typeof IncidentEntry> };
	'PATCH /incidents/:/entries/:': { body: z.input<typeof EntryPatch>; answer: z.output<typeof IncidentEntry> };
	'GET /incidents/:/links': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'kind' | 'role' | 'job_id' | 'run_id' | 'event_id';
		answer: Page<z.output<typeof IncidentLinkView>>;
	};
	'POST /incidents/:/links': { body: z.input<typeof LinkCreate>; answer: z.output<typeof IncidentLinkView> };
	'PATCH /incidents/:/links/:': { body: z.input<typeof LinkPatch>; answer: z.output<typeof IncidentLinkView> };
	'DELETE /incidents/:/links/:': { answer: null };
	'GET /incidents/:/postmortem': { answer: z.output<typeof PostMortem> };
	'POST /incidents/:/postmortem': { body: z.input<typeof PostMortemCreate>; answer: z.output<typeof PostMortem> };
	'PATCH /incidents/:/postmortem': { body: z.input<typeof PostMortemPatch>; answer: z.output<typeof PostMortem> };
	'POST /incidents/:/postmortem/submit': { body: Record<string, never>; answer: z.output<typeof PostMortem> };
	'POST /incidents/:/postmortem/publish': { body: Record<string, never>; answer: z.output<typeof PostMortem> };
	'POST /incidents/:/postmortem/withdraw': { body: Record<string, never>; answer: z.output<typeof PostMortem> };
	'GET /incidents/:/postmortem/versions': {
		query: 'limit' | 'cursor' | 'sort';
		answer: Page<z.output<typeof PostMortemVersionItem>>;
	};
	'GET /incidents/:/postmortem/versions/:': { answer: z.output<typeof PostMortemVersion> };
	'GET /incidents/:/postmortem/export': {
		query: 'format' | 'locale';
		answer: {
			incident: z.output<typeof IncidentView>;
			postmortem: z.output<typeof PostMortem>;
			actions: z.output<typeof ActionItem>[];
		};
	};
	'GET /incidents/:/postmortem/actions': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'state' | 'priority' | 'owner_id';
		answer: Page<z.output<typeof ActionItem>>;
	};
	'POST /incidents/:/postmortem/actions': {
		body: z.input<typeof ActionItemCreate>;
		answer: z.output<typeof ActionItem>;
	};
	'PATCH /incidents/:/postmortem/actions/:': {
		body: z.input<typeof ActionItemPatch>;
		answer: z.output<typeof ActionItem>;
	};
	'DELETE /incidents/:/postmortem/actions/:': { answer: null };
	'GET /webhooks': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'project_id' | 'status';
		answer: Page<z.output<typeof Webhook>>;
	};
	'POST /webhooks': { body: z.input<typeof WebhookCreate>; answer: z.output<typeof WebhookWithSecret> };
	'GET /webhooks/:': { answer: z.output<typeof Webhook> };
	'PATCH /webhooks/:': { body: z.input<typeof WebhookPatch>; answer: z.output<typeof Webhook> };
	'DELETE /webhooks/:': { answer: null };
	'POST /webhooks/:/secret': { body: Record<string, never>; answer: z.output<typeof WebhookWithSecret> };
	'POST /webhooks/:/ping': { body: Record<string, never>; answer: z.output<typeof WebhookDelivery> };
	'GET /webhooks/:/deliveries': {
		query: 'limit' | 'cursor' | 'sort' | 'status' | 'event';
		answer: Page<z.output<typeof WebhookDelivery>>;
	};
	'POST /webhooks/:/deliveries/:/replay': { body: Record<string, never>; answer: z.output<typeof WebhookDelivery> };
	'GET /projects/:/alert-sources': {
		query: 'limit' | 'cursor' | 'q' | 'sort' | 'kind' | 'environment_id';
		answer: Page<z.output<typeof AlertSource>>;
	};
	'POST /projects/:/alert-sources': {
		body: z.input<typeof AlertSourceCreate>;
		answer: z.output<typeof AlertSourceWithPath>;
	};
	'PATCH /alert-sources/:': { body: z.input<typeof AlertSourcePatch>; answer: z.output<typeof AlertSource> };
	'DELETE /alert-sources/:': { answer: null };
	'POST /alert-sources/:/rotate': { body: Record<string, never>; answer: z.output<typeof AlertSourceWithPath> };
	'POST /alert-sources/:/preview': { body: z.input<typeof AlertPreviewed>; answer: z.output<typeof AlertPreview> };
	'POST /hooks/alerts/:/:': { body: Record<string, never>; answer: z.output<typeof AlertsTaken> };
	'GET /agents': { query: 'limit' | 'cursor' | 'q' | 'sort' | 'status'; answer: Page<z.output<typeof Agent>> };
	'POST /agents/enrolments': { body: z.input<typeof EnrolmentCreate>; answer: z.output<typeof Enrolment> };
	'POST /agents/enrol': { body: z.input<typeof EnrolRequest>; answer: z.output<typeof EnrolAnswer> };
	'GET /agents/:': { answer: z.output<typeof Agent> };
	'PATCH /agents/:': { body: z.input<typeof AgentPatch>; answer: z.output<typeof Agent> };
	'POST /agents/:/confirm': { body: { fingerprint: string }; answer: z.output<typeof Agent> };
	'POST /agents/:/quarantine': { body: Record<string, never>; answer: z.output<typeof Agent> };
	'POST /agents/:/revoke': { body: Record<string, never>; answer: z.output<typeof Agent> };
	'GET /server-status': {
		query: 'limit' | 'cursor' | 'sort' | 'agent_id' | 'from' | 'to';
		answer: Page<{
			snapshot_time: string;
			cpu_cores: number;
			cpu_load_1m: number;
			cpu_load_5m: number;
			cpu_load_15m: number;
			ram_total_gib: number;
			ram_used_gib: number;
			disk_path: string;
			disk_total_gib: number;
			disk_used_gib: number;
			disk_free_gib: number;
			id: number;
			agent_id: number;
		}>;
	};
	'GET /server-status/history': {
		query: 'agent_id' | 'from' | 'to' | 'points';
		answer: {
			agent_id: number;
			from: string;
			to: string;
			span_ms: number;
			points: {
				at: string;
				cpu_load_1m: number;
				cpu_load_1m_max: number;
				cpu_load_5m: number;
				cpu_load_15m: number;
				cpu_cores: number;
				ram_used_gib: number;
				ram_total_gib: number;
				disk_used_gib: number;
				disk_total_gib: number;
			}[];
		};
	};
	'GET /openapi.json': { answer: { openapi: string } };
	'GET /docs': { query: 'q'; answer: string };
}
