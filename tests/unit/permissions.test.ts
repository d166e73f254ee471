import { describe, expect, it } from 'vitest';
import { Access } from '#domain/access.ts';
import { type Action, approvalsNeeded, can, permissions, scopeOf } from '#domain/permissions.ts';
import { TokenScope } from '#domain/token.ts';
import { Role } from '#domain/user.ts';

const as = (role: Role) => ({ kind: 'user' as const, id: 1, username: role, role });
const protection = { requires_approval: false, allowed_roles: [] };
const prod = { type: 'prod' as const, protection };
const dev = { type: 'dev' as const, protection };
const actions = Object.keys(permissions) as Action[];

describe('can', () => {
	// The table of who may do what, in words of its own: least access each role needs; '-' never, '*' none needed.
	const table: Partial<Record<Action, [projets: string, dev: string, ops: string]>> = {
		'project.create': ['*', '-', '-'],
		'project.update': ['manage', '-', '-'],
		'project.delete': ['manage', '-', '-'],
		'freeze.create': ['manage', '-', '-'],
		'freeze.everywhere': ['-', '-', '-'],
		'freeze.break': ['-', '-', 'manage'],
		'environment.create': ['manage', '-', '-'],
		'job.create': ['contribute', 'contribute', 'contribute'],
		'event.create': ['contribute', 'contribute', 'contribute'],
		'script.read': ['read', 'read', 'read'],
		'script.create': ['-', 'contribute', 'operate'],
		'run.start': ['operate', 'contribute', 'contribute'],
		'run.start_prod': ['-', '-', 'operate'],
		'agent.enrol': ['-', '-', '-'],
		'audit.list': ['-', '-', '-'],
	};
	for (const [action, row] of Object.entries(table)) {
		(['projets', 'dev', 'ops'] as const).forEach((role, i) => {
			it(`${action} as ${role}: ${String(row[i])}`, () => {
				for (const access of [null, ...Access.options]) {
					const least = row[i];
					const expected =
						least === '*' ||
						(least !== '-' &&
							access !== null &&
							Access.options.indexOf(access) >= Access.options.indexOf(least as Access));
					expect(can(as(role), action as Action, { access }).allowed, `with ${String(access)}`).toBe(expected);
				}
			});
		});
	}

	it('lets an admin do everything without an access row', () => {
		for (const action of actions)
			expect(can(as('admin'), action, { access: null, environment: prod, job_type: 'infra' })).toEqual({
				allowed: true,
			});
	});

	it('gives nobody else anything in a project without access, except what has no project', () => {
		const open = actions.filter((a) =>
			(['projets', 'dev', 'ops'] as const).some((r) => can(as(r), a, { access: null }).allowed),
		);
		expect(open.sort()).toEqual([
			'agent.list',
			'agent.read',
			'calendar.state',
			'freeze.list',
			'freeze.read',
			'group.list',
			'group.read',
			'me.email_check',
			'me.email_confirm',
			'me.feed',
			'me.feed_renew',
			'me.feed_revoke',
			'me.notification_test',
			'me.notifications',
			'me.password',
			'me.read',
			'me.update',
			'me.webhook',
			'notification.list',
			'notification.mark',
			'project.create',
			'project.list',
			'second_factor.confirm',
			'second_factor.disable',
			'second_factor.read',
			'second_factor.renew',
			'second_factor.start',
			'server_status.history',
			'server_status.list',
			'session.delete',
			'session.end',
			'session.end_others',
			'session.list',
			'token.create',
			'token.delete',
			'token.list',
			'token.read',
			'token.update',
			'user.list',
		]);
	});

	it('lets dev and projets ask for approval in prod, and refuses them where nobody can be asked', () => {
		const asks = { ...prod, protection: { ...protection, requires_approval: true } };
		for (const role of ['dev', 'projets'] as const) {
			expect(can(as(role), 'run.start', { access: 'manage', environment: asks }).allowed).toBe(true);
			expect(approvalsNeeded(role, 'manage', asks)).toBe(1);
			const verdict = can(as(role), 'run.start', { access: 'manage', environment: prod });
			expect(verdict).toMatchObject({ allowed: false, missing: expect.stringContaining('asked for approval') });
		}
		expect(can(as('ops'), 'run.start', { access: 'contribute', environment: prod }).allowed).toBe(false);
		expect(can(as('ops'), 'run.start', { access: 'operate', environment: prod }).allowed).toBe(true);
		expect(approvalsNeeded('ops', 'contribute', asks)).toBe(1);
		expect(approvalsNeeded('ops', 'operate', asks)).toBe(0);
		expect(approvalsNeeded('admin', null, asks)).toBe(0);
		const eyes = { ...asks, protection: { ...asks.protection, four_eyes: true, approvals: 3 } };
		expect(approvalsNeeded('admin', null, eyes)).toBe(3);
		expect(approvalsNeeded('admin', null, null)).toBe(0);
	});

	it('never lets anybody decide on what they asked for', () => {
		for (const action of ['run.approve', 'run.reject'] as const)
			for (const role of Role.options) {
				expect(can(as(role), action, { access: 'manage', own_run: true }).allowed).toBe(false);
				const others = { access: 'operate' as const, own_run: false };
				expect(can(as(role), action, others).allowed).toBe(role === 'admin' || role === 'ops');
			}
	});

	it('lets dev plan development and meetings only', () => {
		for (const job_type of ['dev', 'meeting'] as const)
			expect(can(as('dev'), 'job.create', { access: 'contribute', job_type }).allowed).toBe(true);
		for (const job_type of ['ops', 'maintenance', 'infra'] as const)
			expect(can(as('dev'), 'job.create', { access: 'manage', job_type }).allowed).toBe(false);
		expect(can(as('dev'), 'job.read', { access: 'read', job_type: 'ops' }).allowed).toBe(true);
	});

	it('keeps to the roles an environment names', () => {
		const environment = { ...dev, protection: { ...protection, allowed_roles: ['ops' as const] } };
		expect(can(as('dev'), 'run.start', { access: 'manage', environment })).toMatchObject({
			allowed: false,
			missing: expect.stringContaining('roles ops'),
		});
		expect(can(as('ops'), 'run.start', { access: 'contribute', environment }).allowed).toBe(true);
	});

	it('lets people cancel what they started, while they may still see it', () => {
		expect(can(as('projets'), 'run.cancel', { access: 'read', own_run: true }).allowed).toBe(true);
		expect(can(as('projets'), 'run.cancel', { access: null, own_run: true }).allowed).toBe(false);
		expect(can(as('projets'), 'run.cancel', { access: 'read', own_run: false }).allowed).toBe(false);
	});

	it('has a row for each role in each action', () => {
		for (const action of actions) expect(Object.keys(permissions[action]).sort()).toEqual([...Role.options].sort());
	});
});

describe('11: what a token may', () => {
	const withToken = (role: Role, scopes: TokenScope[]) => ({ ...as(role), token: { id: 1, scopes } });
	/** Scopes in words of their own, where the name of an action alone would not tell. */
	const expected: Partial<Record<Action, ReturnType<typeof scopeOf>>> = {
		'project.list': 'read',
		'calendar.state': 'read',
		'server_status.history': 'read',
		'me.read': 'read',
		'job.create': 'write',
		'incident.acknowledge': 'write',
		'freeze.create': 'write',
		'run.start': 'run',
		'run.start_prod': 'run',
		'run.cancel': 'run',
		'run.list': 'read',
		'freeze.break': 'run',
		'terraform_plan.apply': 'run',
		'freeze.everywhere': 'admin',
		'user.list': 'read',
		'user.create': 'admin',
		'user.password': 'admin',
		'group_user.list': 'admin',
		'agent.list': 'read',
		'agent.enrol': 'admin',
		'audit.list': 'admin',
		'audit.verify': 'admin',
		'hub.export': 'admin',
		'hub.metrics': 'metrics',
		'me.feed_renew': null,
		'me.update': null,
		'me.password': null,
		'session.delete': 'any',
		'session.list': null,
		'session.end_others': null,
		'second_factor.read': null,
		'second_factor.reset': null,
		'token.list': null,
		'token.read': null,
		'token.create': null,
		'token.of_others': null,
	};
	it('11: each action has its scope, or is for people alone', () => {
		for (const [action, scope] of Object.entries(expected)) expect(scopeOf(action as Action), action).toBe(scope);
		const own = actions.filter((a) => /^(session|second_factor|token)\./.test(a) && a !== 'session.delete');
		for (const action of own) expect(scopeOf(action), action).toBeNull();
	});

	it('11: never more than its person may, and never beyond its scopes', () => {
		for (const role of Role.options)
			for (const action of actions)
				for (const access of [null, ...Access.options])
					for (const own_run of [true, false]) {
						const subject = { access, own_run };
						const person = can(as(role), action, subject).allowed;
						const needed = scopeOf(action);
						const others = TokenScope.options.filter((scope) => scope !== needed);
						expect(can(withToken(role, others), action, subject).allowed, action).toBe(needed === 'any');
						const all = can(withToken(role, [...TokenScope.options]), action, subject).allowed;
						expect(all, `${role} ${action}`).toBe(person && needed !== null);
					}
	});
});
