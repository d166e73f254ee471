import { accessRank, type Access } from './access.ts';
import type { Environment } from './environment.ts';
import type { JobType } from './job.ts';
import type { TokenScope } from './token.ts';
import type { Role } from './user.ts';

/** What a role needs: `any` (no access row), an access level, `own` (the project's owner, or `manage` in it), or nothing will do (`no`). */
type Need = 'any' | 'own' | Access | 'no';
type Row = Readonly<Record<Role, Need>>;

const everyone: Row = { admin: 'any', projets: 'any', dev: 'any', ops: 'any' };
const adminOnly: Row = { admin: 'any', projets: 'no', dev: 'no', ops: 'no' };
const readers: Row = { admin: 'any', projets: 'read', dev: 'read', ops: 'read' };
const owners: Row = { admin: 'any', projets: 'own', dev: 'no', ops: 'no' };
const planners: Row = { admin: 'any', projets: 'contribute', dev: 'contribute', ops: 'contribute' };
const scripters: Row = { admin: 'any', projets: 'no', dev: 'contribute', ops: 'operate' };
/** What runs are aimed at: only who operates it may change it. */
const keepers: Row = { admin: 'any', projets: 'no', dev: 'no', ops: 'operate' };
const runners: Row = { admin: 'any', projets: 'operate', dev: 'contribute', ops: 'contribute' };
/** Who answers for an incident's end, and for what is said of it afterwards. */
const closers: Row = { admin: 'any', projets: 'manage', dev: 'no', ops: 'operate' };
const prodRunners: Row = { admin: 'any', projets: 'no', dev: 'no', ops: 'operate' };

/** The whole of who may do what. The name of an action is its audit action and the path of its service. */
export const permissions = {
	'session.delete': everyone,
	'me.read': everyone,
	'me.update': everyone,
	'second_factor.read': everyone,
	'second_factor.start': everyone,
	'second_factor.confirm': everyone,
	'second_factor.renew': everyone,
	'second_factor.disable': everyone,
	'second_factor.reset': adminOnly,
	'me.password': everyone,
	'session.list': everyone,
	'session.end': everyone,
	'session.end_others': everyone,
	'token.list': everyone,
	'token.read': everyone,
	'token.create': everyone,
	'token.update': everyone,
	'token.delete': everyone,
	'token.of_others': adminOnly,
	'user.list': everyone,
	'user.read': adminOnly,
	'user.create': adminOnly,
	'user.update': adminOnly,
	'user.password': adminOnly,
	'user.delete': adminOnly,
	'group.list': everyone,
	'group.read': everyone,
	'group.create': adminOnly,
	'group.update': adminOnly,
	'group.delete': adminOnly,
	'group_user.list': adminOnly,
	'group_user.put': adminOnly,
	'group_user.delete': adminOnly,
	'project.list': everyone,
	'project.create': { admin: 'any', projets: 'any', dev: 'no', ops: 'no' },
	'project.read': readers,
	'project.update': owners,
	'project.hand_over': owners,
	'project_group.list': readers,
	'project_group.put': owners,
	'project_group.delete': owners,
	'project.delete': owners,
	'environment.list': readers,
	'environment.read': readers,
	'environment.create': owners,
	'environment.update': owners,
	'environment.delete': owners,
	'script.list': readers,
	'script.read': readers,
	'script.create': scripters,
	'script.update': scripters,
	'script.delete': scripters,
	'repo.list': readers,
	'repo.read': readers,
	'repo.create': scripters,
	'repo.update': scripters,
	'repo.delete': scripters,
	'change.list': readers,
	'change.read': readers,
	'change.create': planners,
	'change.update': planners,
	'change.delete': planners,
	'inventory.list': readers,
	'inventory.read': readers,
	'inventory.create': keepers,
	'inventory.update': keepers,
	'inventory.delete': keepers,
	'terraform_plan.list': readers,
	'terraform_plan.read': readers,
	'terraform_plan.create': keepers,
	'terraform_plan.update': keepers,
	'terraform_plan.delete': keepers,
	'terraform_plan.apply': keepers,
	'cluster.list': readers,
	'cluster.read': readers,
	'cluster.create': keepers,
	'cluster.update': keepers,
	'cluster.delete': keepers,
	'hub_secret.list': keepers,
	'hub_secret.put': keepers,
	'hub_secret.delete': keepers,
	'metric_ref.list': readers,
	'metric_ref.read': readers,
	'metric_ref.create': planners,
	'metric_ref.update': planners,
	'metric_ref.delete': planners,
	'job.list': readers,
	'job.read': readers,
	'job.create': planners,
	'job.update': planners,
	'job.delete': planners,
	'job.template': planners,
	'job.sign': keepers,
	'job.unsign': keepers,
	'event.list': readers,
	'event.read': readers,
	'event.create': planners,
	'event.update': planners,
	'event.delete': planners,
	'run.list': readers,
	'run.read': readers,
	'run.start': runners,
	'run.start_prod': prodRunners,
	'run.cancel': runners,
	'run.approve': prodRunners,
	'run.reject': prodRunners,
	'incident.list': readers,
	'incident.read': readers,
	'incident.create': planners,
	'incident.update': planners,
	'incident.update_severity': closers,
	'incident.acknowledge': planners,
	'incident.mitigate': planners,
	'incident.resolve': planners,
	'incident.close': closers,
	'incident.reopen': planners,
	'incident.delete': closers,
	'incident.hand_over': planners,
	'incident_entry.create': planners,
	'incident_entry.update': planners,
	'incident_link.create': planners,
	'incident_link.update': planners,
	'incident_link.delete': planners,
	'postmortem.read': readers,
	'postmortem.create': planners,
	'postmortem.update': planners,
	'postmortem.submit': planners,
	'postmortem.publish': closers,
	'postmortem.withdraw': planners,
	'action_item.create': planners,
	'action_item.update': planners,
	'action_item.delete': planners,
	'freeze.list': everyone,
	'freeze.read': everyone,
	'freeze.create': owners,
	'freeze.update': owners,
	'freeze.delete': owners,
	'freeze.everywhere': adminOnly,
	'freeze.break': { admin: 'any', projets: 'no', dev: 'no', ops: 'manage' },
	'webhook.list': owners,
	'webhook.read': owners,
	'webhook.create': owners,
	'webhook.update': owners,
	'webhook.delete': owners,
	'webhook.rotate': owners,
	'webhook.ping': owners,
	'webhook.replay': owners,
	'webhook.everywhere': adminOnly,
	'alert_source.list': owners,
	'alert_source.create': owners,
	'alert_source.update': owners,
	'alert_source.rotate': owners,
	'alert_source.delete': owners,
	'alert_source.preview': owners,
	'calendar.state': everyone,
	'server_status.list': everyone,
	'server_status.history': everyone,
	'agent.list': everyone,
	'agent.read': everyone,
	'agent.enrol': adminOnly,
	'agent.confirm': adminOnly,
	'agent.update': adminOnly,
	'agent.quarantine': adminOnly,
	'agent.revoke': adminOnly,
	'audit.list': adminOnly,
	'audit.verify': adminOnly,
	'audit.export': adminOnly,
	'hub.export': adminOnly,
	'hub.status': adminOnly,
	'hub.metrics': adminOnly,
	'notification.list': everyone,
	'notification.mark': everyone,
	'me.notifications': everyone,
	'me.notification_test': everyone,
	'me.webhook': everyone,
	'me.email_check': everyone,
	'me.email_confirm': everyone,
	'me.feed': everyone,
	'me.feed_renew': everyone,
	'me.feed_revoke': everyone,
} as const satisfies Record<string, Row>;

export type Action = keyof typeof permissions;

/** Who asks. `system` is the hub itself, `agent` a machine; neither is ever asked for a project's access row. */
export type Actor =
	| { kind: 'user'; id: number; username: string; role: Role; token?: { id: number; scopes: readonly TokenScope[] } }
	| { kind: 'agent'; id: number }
	| { kind: 'system' };

/** What only the person may do, never a token of theirs: else a stolen one could make itself at home. */
const personal = /^(session|second_factor|token)\.|^me\.(?!read$)/;
const looking: ReadonlySet<string> = new Set(['list', 'read', 'state', 'history', 'template']);

/** The scope a token needs for an action; null when no token will do, `any` when each does. */
export function scopeOf(action: Action): TokenScope | 'any' | null {
	// Whoever has a token can put an end to it: nobody is at home by that.
	if (action === 'session.delete') return 'any';
	if (personal.test(action)) return null;
	if (action === 'hub.metrics') return 'metrics';
	if (permissions[action] === adminOnly) return 'admin';
	const [subject, verb = ''] = action.split('.');
	if (looking.has(verb)) return 'read';
	return subject === 'run' || action === 'freeze.break' || action === 'terraform_plan.apply' ? 'run' : 'write';
}

type Protected = Pick<Environment, 'type' | 'protection'>;

/** What the decision depends on besides role and action; leave out what does not apply. */
export interface Subject {
	access?: Access | null;
	job_type?: JobType;
	environment?: Protected | null;
	/** The run that is asked about was started by the one who asks. */
	own_run?: boolean;
	/** The job starts by itself, and somebody else's rights are what it does so with. */
	lent?: boolean;
	/** The webhook is told what the one who asks is told. */
	own_webhook?: boolean;
}

/** Whether a job would use the rights of somebody else than this one. */
export const lends = (job: { auto_start: boolean; owner_id: number }, who: { id: number }): boolean =>
	job.auto_start && job.owner_id !== who.id;

/** Which rule said no, for interfaces that say it in the viewer's own words. */
export type Refusal = 'token' | 'role' | 'prod' | 'own' | 'own_run' | 'access' | 'job_type' | 'environment' | 'lent';
export type Verdict = { allowed: true } | { allowed: false; refusal: Refusal; missing: string };

const yes: Verdict = { allowed: true };
const no = (refusal: Refusal, missing: string): Verdict => ({ allowed: false, refusal, missing });

/** The job types a role may plan; the others may plan any. */
export const plannable: Partial<Record<Role, readonly JobType[]>> = { dev: ['dev', 'meeting'] };

/**
 * May this person do that? Pure; the interface asks the same question to show or hide what can be done.
 * `missing` names the right that is missing, for the 403.
 */
export function can(actor: Extract<Actor, { kind: 'user' }>, action: Action, subject: Subject = {}): Verdict {
	const { access = null, environment = null } = subject;
	// Where nobody can be asked for approval, who may not run in production alone does not run there.
	const alone = action === 'run.start' && environment?.type === 'prod' && !environment.protection.requires_approval;
	const asked: Action = alone ? 'run.start_prod' : action;
	const need: Need = permissions[asked][actor.role];

	if (subject.own_webhook)
		return actor.token ? no('token', `${action} of one's own is for a person signed in, not for a token`) : yes;
	if (actor.token) {
		const scope = scopeOf(action);
		if (scope === null) return no('token', `${action} is for a person signed in, not for a token`);
		if (scope !== 'any' && !actor.token.scopes.includes(scope))
			return no('token', `${action} needs a token with the scope ${scope}`);
	}
	if (action === 'run.cancel' && subject.own_run && access !== null) return yes;
	if (need === 'no')
		return alone
			? no('prod', `run.start in prod is not for the role ${actor.role}: here nobody can be asked for approval`)
			: no('role', `${action} is not for the role ${actor.role}`);
	if (need === 'own' && access !== 'manage')
		return no('own', `${asked} needs to own the project, or manage access in it`);
	if (need !== 'any' && need !== 'own' && accessRank(access) < accessRank(need))
		return no('access', `${asked} needs ${need} access to the project`);

	const types = plannable[actor.role];
	if (
		types &&
		subject.job_type &&
		action.startsWith('job.') &&
		!types.includes(subject.job_type) &&
		permissions[action].dev === 'contribute'
	)
		return no('job_type', `${action} as ${actor.role} is for jobs of type ${types.join(' or ')}`);

	if (subject.lent && actor.role !== 'admin')
		return no('lent', `${action} of what starts by itself with its owner's rights is for its owner`);

	const roles = environment?.protection.allowed_roles ?? [];
	if (action === 'run.start' && actor.role !== 'admin' && roles.length > 0 && !roles.includes(actor.role))
		return no('environment', `run.start in this environment is for the roles ${roles.join(', ')}`);
	if ((action === 'run.approve' || action === 'run.reject') && subject.own_run)
		return no('own_run', `${action} is never for who asked for the run`);
	return yes;
}

/**
 * How many others have to approve a run that somebody with this role and access starts there: where the environment asks it, those need
 * it who have no right to run in production alone; with four eyes everybody does.
 */
export function approvalsNeeded(role: Role, access: Access | null, environment: Protected | null): number {
	const four_eyes = environment?.protection.four_eyes ?? false;
	const need: Need = permissions['run.start_prod'][role];
	const alone = need === 'any' || (need !== 'no' && need !== 'own' && accessRank(access) >= accessRank(need));
	return alone && !four_eyes ? 0 : approvalsOfNobody(environment);
}

/**
 * How many have to approve what starts there by itself. Whose right it would use is not always who planned it, or changed it since: so a
 * right to run there alone counts for nothing.
 */
export function approvalsOfNobody(environment: Protected | null): number {
	return environment?.protection.requires_approval ? (environment.protection.approvals ?? 1) : 0;
}
