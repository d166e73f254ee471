import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
	type Answer,
	type Caller,
	caller,
	fresh,
	idOf,
	insert,
	nobody,
	type Options,
	person,
	project,
	session,
} from './api-world.ts';
import { expectArchivable } from './archivable.ts';
import { enrolRequest } from './api-enrol.ts';
import { signed } from './signing.ts';

// Who may do what, over every operation of the OpenAPI document: a route without a row here fails the suite.

let admin: Caller, owner: Caller, dev: Caller, ops: Caller, reader: Caller, stranger: Caller;
let p: number, other: number;

beforeAll(async () => {
	// What webhooks are told goes nowhere from here.
	vi.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(new Response('ok')));
	[admin, owner, dev, ops, reader, stranger] = await Promise.all([
		person('admin'),
		person('projets'),
		person('dev'),
		person('ops'),
		person('projets'),
		person('dev'),
	]);
	p = await project(owner, [
		[dev, 'contribute'],
		[ops, 'operate'],
		[reader, 'read'],
	]);
	other = await project(admin);
});

interface Asked extends Options {
	path: string;
}

const EMPTY_PLAN = '{"format_version":"1.2"}';

const window = () => ({
	title: fresh('freeze'),
	reason: 'payday',
	start: '2030-01-01T00:00:00Z',
	end: '2030-01-02T00:00:00Z',
});

const make = {
	environment: (type = 'dev') =>
		admin.ok('POST', `/api/projects/${String(p)}/environments`, { name: fresh('env'), type }),
	script: () =>
		admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('script'),
			location_type: 'uploaded',
			content: 'true\n',
		}),
	job: async (fields: object = {}) =>
		admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: fresh('job'),
			job_type: 'dev',
			script_ids: [(await make.script()).id],
			...fields,
		}),
	event: () =>
		admin.ok('POST', `/api/projects/${String(p)}/events`, { title: fresh('event'), start: '2026-12-01T08:00:00Z' }),
	project: async () => {
		const id = await project(owner, [
			[dev, 'contribute'],
			[ops, 'operate'],
			[reader, 'read'],
		]);
		return admin.ok('GET', `/api/projects/${String(id)}`);
	},
	freeze: () => admin.ok('POST', '/api/freezes', { project_id: p, ...window() }),
	run: async () => admin.ok('POST', `/api/jobs/${String(idOf(await make.job()))}/runs`, {}),
	/** A run that waits for approval. */
	asked: async () => {
		const environment = await make.environment('prod');
		return owner.ok('POST', `/api/jobs/${String(idOf(await make.job({ environment_id: environment.id })))}/runs`, {});
	},
	agent: async () => {
		const { token } = await admin.ok('POST', '/api/agents/enrolments', {});
		const joined = await nobody('POST', '/api/agents/enrol', { body: await enrolRequest(String(token)) });
		return admin.ok('GET', `/api/agents/${String(joined.body.agent_id)}`);
	},
	agentLetIn: async () => {
		const agent = await make.agent();
		const { fingerprint } = agent;
		return admin.ok('POST', `/api/agents/${String(idOf(agent))}/confirm`, { fingerprint });
	},
	incident: (status = 'open') => incidentIn(status),
	entry: async () => {
		const incident = await make.incident();
		const at = `/api/incidents/${String(idOf(incident))}`;
		return { at, row: await admin.ok('POST', `${at}/entries`, { body: 'seen' }) };
	},
	link: async () => {
		const incident = await make.incident();
		const at = `/api/incidents/${String(idOf(incident))}`;
		return { at, row: await admin.ok('POST', `${at}/links`, { kind: 'job', job_id: idOf(await make.job()) }) };
	},
	postmortem: async (...steps: string[]) => {
		const at = `/api/incidents/${String(idOf(await make.incident()))}/postmortem`;
		let row = await admin.ok('POST', at, { summary: 's', impact: 'i' });
		for (const step of steps) row = await admin.ok('POST', `${at}/${step}`, {});
		return { at, row };
	},
	action: async () => {
		const { at } = await make.postmortem();
		return { at, row: await admin.ok('POST', `${at}/actions`, { title: 'do it' }) };
	},
	repo: (more: object = {}) =>
		admin.ok('POST', `/api/projects/${String(p)}/repos`, {
			provider: 'gitea',
			name: fresh('repo'),
			url: 'https://git.example.com/app.git',
			...more,
		}),
	change: async () =>
		admin.ok('POST', `/api/repos/${String(idOf(await make.repo()))}/changes`, {
			change_type: 'commit',
			external_id: 'deadbeef',
		}),
	inventory: () =>
		admin.ok('POST', `/api/projects/${String(p)}/inventories`, { source_type: 'uploaded', content: 'h1\n' }),
	plan: () =>
		admin.ok('POST', `/api/projects/${String(p)}/terraform-plans`, { source_type: 'uploaded', content: EMPTY_PLAN }),
	cluster: () =>
		admin.ok('POST', `/api/projects/${String(p)}/clusters`, {
			name: fresh('k8s'),
			kubeconfig_ref: 'vault:kv2/kv/k8s#config',
		}),
	metric: () =>
		admin.ok('POST', `/api/projects/${String(p)}/metric-refs`, {
			label: fresh('m'),
			url: 'https://grafana.example.com',
		}),
	user: async () =>
		admin.ok('GET', `/api/users/${String(await insert('users', { username: fresh('u'), role: 'dev' }))}`),
	token: (who: Caller) => who.ok('POST', '/api/tokens', { name: fresh('token '), scopes: ['read'] }),
	group: async () => admin.ok('POST', '/api/groups', { name: fresh('g ') }),
	groupWith: async (who: Caller) => {
		const group = await make.group();
		await admin.ok('PUT', `/api/groups/${String(idOf(group))}/members/${String(who.id)}`, {});
		return group;
	},
	groupInP: async () => {
		const group = await make.group();
		await admin.ok('PUT', `/api/projects/${String(p)}/groups/${String(idOf(group))}`, { access: 'read' });
		return group;
	},
	webhook: () =>
		admin.ok('POST', '/api/webhooks', {
			project_id: p,
			name: fresh('hook'),
			url: 'https://hooks.example.com/',
			events: ['run.ended'],
		}),
	alertSource: () =>
		admin.ok('POST', `/api/projects/${String(p)}/alert-sources`, { name: fresh('source'), kind: 'generic' }),
	delivery: async () => {
		const webhook = await make.webhook();
		const at = `/api/webhooks/${String(idOf(webhook))}/deliveries`;
		const id = await env.DB.prepare(
			"insert into webhook_deliveries (webhook_id, key, event, payload, status, created_at) values (?, ?, 'ping', '{}', 'delivered', 0) returning id",
		)
			.bind(idOf(webhook), fresh('msg'))
			.first<number>('id');
		return { at, row: { id } };
	},
	/** A run that is over. */
	/** A plan that a run made. */
	madePlan: async () => {
		const [plan, run, agent] = [await make.plan(), await make.over(), await make.agent()];
		await env.DB.prepare(
			'update terraform_plans set job_id = ?, run_id = ?, agent_id = ?, plan_sha256 = ? where id = ?',
		)
			.bind(run.job_id, idOf(run), idOf(agent), 'a'.repeat(64), idOf(plan))
			.run();
		return plan;
	},
	over: async () => {
		const run = await make.run();
		await env.DB.prepare("update runs set status = 'failed', phase = 'done' where id = ?").bind(idOf(run)).run();
		return run;
	},
};

/** An incident that has come so far. */
async function incidentIn(status: string): Promise<Answer['body']> {
	const steps: Record<string, string[]> = { open: [], resolved: ['resolve'] };
	let incident = await admin.ok('POST', `/api/projects/${String(p)}/incidents`, { title: fresh('incident') });
	for (const step of steps[status] ?? [])
		incident = await admin.ok('POST', `/api/incidents/${String(idOf(incident))}/${step}`, {});
	return incident;
}

/** The address of a person's feed, as a path. */
async function feedOf(who: Caller, which: string): Promise<string> {
	const { pathname, search } = new URL(String((await who.ok('POST', '/api/me/feed', {}))[which]));
	return `${pathname}${search}`;
}

const on = (row: Answer['body'], more: Options = {}): Options => ({
	...more,
	headers: { 'if-match': `"v${String(row.version)}"` },
});
const at = async (
	path: string,
	made: Promise<Answer['body']>,
	more: (row: Answer['body']) => Options = () => ({}),
): Promise<Asked> => {
	const row = await made;
	return { path: path.replace('{id}', String(idOf(row))), ...more(row) };
};
/** What somebody who looked at a run that waits for approval says. */
const decided = (run: Answer['body']): Options => ({ body: { hash: run.request_hash } });
/** A row below another, at its own address; `{row}` is its number. */
const under = async (
	path: string,
	made: Promise<{ at: string; row: Answer['body'] }>,
	more: (row: Answer['body']) => Options = () => ({}),
): Promise<Asked> => {
	const { at, row } = await made;
	return { path: [at, path.replace('{row}', String(idOf(row)))].filter(Boolean).join('/'), ...more(row) };
};
const inP = (path: string, body?: () => object): (() => Promise<Asked>) => {
	return () => Promise.resolve({ path: path.replace('{id}', String(p)), ...(body && { body: body() }) });
};
const plain = (path: string, body?: () => object) => inP(path, body);

/**
 * Per operation: what admin, the project's owner (projets), dev with contribute, ops with operate, projets with read and a
 * dev without access get. y: done, n: 403, h: hidden (404). A last letter o: no session is needed.
 */
const table: Record<string, [string, () => Promise<Asked>]> = {
	'GET /api/health': ['yyyyyy o', plain('/api/health')],
	'GET /metrics': ['ynnnnn', plain('/metrics')],
	'GET /api/hub/status': ['ynnnnn', plain('/api/hub/status')],
	'GET /api/me/notifications': ['yyyyyy', plain('/api/me/notifications')],
	'POST /api/me/notifications/read': ['yyyyyy', plain('/api/me/notifications/read', () => ({ up_to: 1 }))],
	'POST /api/me/notifications/test': ['yyyyyy', plain('/api/me/notifications/test', () => ({}))],
	'GET /api/me/notification-preferences': ['yyyyyy', plain('/api/me/notification-preferences')],
	'PUT /api/me/notification-preferences': ['yyyyyy', plain('/api/me/notification-preferences', () => ({}))],
	'POST /api/me/webhook': ['yyyyyy', plain('/api/me/webhook', () => ({ url: 'https://hooks.example.com/me' }))],
	'GET /api/me/feed': ['yyyyyy', plain('/api/me/feed')],
	'POST /api/me/feed': ['yyyyyy', plain('/api/me/feed', () => ({}))],
	'DELETE /api/me/feed': ['yyyyyy', plain('/api/me/feed')],
	'GET /api/calendar.ics': ['yyyyyy o', async () => ({ path: await feedOf(admin, 'calendar_url') })],
	'GET /api/incidents.atom': ['yyyyyy o', async () => ({ path: await feedOf(admin, 'incidents_url') })],
	'GET /api/webhooks': ['yynnnh', () => Promise.resolve({ path: `/api/webhooks?project_id=${String(p)}` })],
	'POST /api/webhooks': [
		'yynnnh',
		plain('/api/webhooks', () => ({
			project_id: p,
			name: fresh('hook'),
			url: 'https://hooks.example.com/',
			events: ['run.ended'],
		})),
	],
	'GET /api/webhooks/{id}': ['yynnnh', () => at('/api/webhooks/{id}', make.webhook())],
	'PATCH /api/webhooks/{id}': [
		'yynnnh',
		() => at('/api/webhooks/{id}', make.webhook(), (row) => on(row, { body: { name: fresh('hook') } })),
	],
	'DELETE /api/webhooks/{id}': ['yynnnh', () => at('/api/webhooks/{id}', make.webhook(), on)],
	'POST /api/webhooks/{id}/secret': [
		'yynnnh',
		() => at('/api/webhooks/{id}/secret', make.webhook(), () => ({ body: {} })),
	],
	'POST /api/webhooks/{id}/ping': ['yynnnh', () => at('/api/webhooks/{id}/ping', make.webhook(), () => ({ body: {} }))],
	'GET /api/webhooks/{id}/deliveries': ['yynnnh', () => at('/api/webhooks/{id}/deliveries', make.webhook())],
	'POST /api/webhooks/{id}/deliveries/{delivery}/replay': [
		'yynnnh',
		() => under('{row}/replay', make.delivery(), () => ({ body: {} })),
	],
	// Nobody is signed in: the repository's key is what opens it.
	'POST /api/hooks/{provider}/{id}': [
		'yyyyyy o',
		async () => {
			await admin.ok('PUT', `/api/projects/${String(p)}/hub-secrets/hook`, { value: 'a key as long as need be' });
			const repo = await make.repo({ provider: 'gitlab', webhook_secret_ref: 'hub:hook' });
			return {
				path: `/api/hooks/gitlab/${String(idOf(repo))}`,
				body: {},
				headers: { 'x-gitlab-token': 'a key as long as need be' },
			};
		},
	],
	'POST /api/hooks/alerts/{source}/{key}': [
		'yyyyyy o',
		async () => ({ path: String((await make.alertSource()).path), body: { alerts: [] } }),
	],
	'GET /api/projects/{id}/alert-sources': ['yynnnh', inP('/api/projects/{id}/alert-sources')],
	'POST /api/projects/{id}/alert-sources': [
		'yynnnh',
		inP('/api/projects/{id}/alert-sources', () => ({ name: fresh('source'), kind: 'generic' })),
	],
	'POST /api/alert-sources/{id}/rotate': [
		'yynnnh',
		() => at('/api/alert-sources/{id}/rotate', make.alertSource(), () => ({ body: {} })),
	],
	'POST /api/alert-sources/{id}/preview': [
		'yynnnh',
		() => at('/api/alert-sources/{id}/preview', make.alertSource(), () => ({ body: { payload: { title: 'x' } } })),
	],
	'PATCH /api/alert-sources/{id}': [
		'yynnnh',
		() => at('/api/alert-sources/{id}', make.alertSource(), (row) => on(row, { body: { severity: 'high' } })),
	],
	'DELETE /api/alert-sources/{id}': ['yynnnh', () => at('/api/alert-sources/{id}', make.alertSource(), on)],
	'GET /api/openapi.json': ['yyyyyy o', plain('/api/openapi.json')],
	'GET /api/docs': ['yyyyyy o', plain('/api/docs')],
	'GET /api/setup': ['yyyyyy o', plain('/api/setup')],
	'GET /api/auth/me': ['yyyyyy', plain('/api/auth/me')],
	'PATCH /api/me': ['yyyyyy', () => Promise.resolve({ path: '/api/me', body: {}, headers: { 'if-match': '"v1"' } })],
	'GET /api/me/sessions': ['yyyyyy', plain('/api/me/sessions')],
	'GET /api/tokens': ['yyyyyy', plain('/api/tokens')],
	'POST /api/tokens': ['yyyyyy', plain('/api/tokens', () => ({ name: fresh('t'), scopes: ['read'] }))],
	'GET /api/tokens/{id}': ['yhyhhh', () => at('/api/tokens/{id}', make.token(dev))],
	'PATCH /api/tokens/{id}': [
		'yhyhhh',
		() => at('/api/tokens/{id}', make.token(dev), (row) => on(row, { body: { name: 'other' } })),
	],
	'DELETE /api/tokens/{id}': ['yhyhhh', () => at('/api/tokens/{id}', make.token(dev), on)],
	'GET /api/users/{id}': ['ynnnnn', () => at('/api/users/{id}', make.user())],
	'POST /api/users': ['ynnnnn', plain('/api/users', () => ({ username: fresh('made'), role: 'dev' }))],
	'PATCH /api/users/{id}': [
		'ynnnnn',
		() => at('/api/users/{id}', make.user(), (row) => on(row, { body: { role: 'ops' } })),
	],
	'DELETE /api/users/{id}': ['ynnnnn', () => at('/api/users/{id}', make.user(), on)],
	'POST /api/users/{id}/password': ['ynnnnn', () => at('/api/users/{id}/password', make.user(), () => ({ body: {} }))],
	'GET /api/groups': ['yyyyyy', plain('/api/groups')],
	'POST /api/groups': ['ynnnnn', plain('/api/groups', () => ({ name: fresh('made ') }))],
	'GET /api/groups/{id}': ['yyyyyy', () => at('/api/groups/{id}', make.group())],
	'PATCH /api/groups/{id}': [
		'ynnnnn',
		() => at('/api/groups/{id}', make.group(), (row) => on(row, { body: { description: 'x' } })),
	],
	'DELETE /api/groups/{id}': ['ynnnnn', () => at('/api/groups/{id}', make.group(), on)],
	'GET /api/groups/{id}/members': ['ynnnnn', () => at('/api/groups/{id}/members', make.group())],
	'PUT /api/groups/{id}/members/{user_id}': [
		'ynnnnn',
		() => at(`/api/groups/{id}/members/${String(dev.id)}`, make.group(), () => ({ body: {} })),
	],
	'DELETE /api/groups/{id}/members/{user_id}': [
		'ynnnnn',
		() => at(`/api/groups/{id}/members/${String(dev.id)}`, make.groupWith(dev)),
	],
	'GET /api/projects/{id}/groups': ['yyyyyh', inP('/api/projects/{id}/groups')],
	'PUT /api/projects/{id}/groups/{group_id}': [
		'yynnnh',
		() => at(`/api/projects/${String(p)}/groups/{id}`, make.group(), () => ({ body: { access: 'read' } })),
	],
	'DELETE /api/projects/{id}/groups/{group_id}': [
		'yynnnh',
		() => at(`/api/projects/${String(p)}/groups/{id}`, make.groupInP()),
	],
	'GET /api/auth/methods': ['yyyyyy o', plain('/api/auth/methods')],
	'GET /api/me/totp': ['yyyyyy', plain('/api/me/totp')],
	'POST /api/me/totp': ['yyyyyy', plain('/api/me/totp', () => ({}))],
	'POST /api/users/{id}/totp/reset': [
		'ynnnnn',
		async () => {
			const user_id = await insert('users', { username: fresh('lost'), role: 'dev' });
			await insert('second_factors', { user_id, secret: 'x', confirmed_at: Date.now() });
			return { path: `/api/users/${String(user_id)}/totp/reset`, body: {} };
		},
	],
	'GET /api/users': ['yyyyyy', plain('/api/users')],
	'GET /api/audit': ['ynnnnn', plain('/api/audit')],
	'GET /api/audit/export': ['ynnnnn', plain('/api/audit/export')],
	'GET /api/audit/verify': ['ynnnnn', plain('/api/audit/verify')],
	'GET /api/export': ['ynnnnn', plain('/api/export')],
	'GET /api/projects': ['yyyyyy', plain('/api/projects')],
	'POST /api/projects': ['yynnyn', plain('/api/projects', () => ({ name: fresh('made ') }))],
	'GET /api/projects/{id}': ['yyyyyh', inP('/api/projects/{id}')],
	'PATCH /api/projects/{id}': [
		'yynnnh',
		async () => ({
			path: `/api/projects/${String(p)}`,
			...on(await admin.ok('GET', `/api/projects/${String(p)}`), { body: { description: fresh('d') } }),
		}),
	],
	'POST /api/projects/{id}/owner': [
		'yynnnh',
		() => at('/api/projects/{id}/owner', make.project(), () => ({ body: { owner_id: admin.id } })),
	],
	'DELETE /api/projects/{id}': ['yynnnh', () => at('/api/projects/{id}', make.project(), on)],
	'GET /api/projects/{id}/environments': ['yyyyyh', inP('/api/projects/{id}/environments')],
	'POST /api/projects/{id}/environments': [
		'yynnnh',
		inP('/api/projects/{id}/environments', () => ({ name: fresh('e'), type: 'test' })),
	],
	'GET /api/environments/{id}': ['yyyyyh', () => at('/api/environments/{id}', make.environment())],
	'PATCH /api/environments/{id}': [
		'yynnnh',
		() => at('/api/environments/{id}', make.environment(), (row) => on(row, { body: { description: 'x' } })),
	],
	'DELETE /api/environments/{id}': ['yynnnh', () => at('/api/environments/{id}', make.environment(), on)],
	'GET /api/projects/{id}/scripts': ['yyyyyh', inP('/api/projects/{id}/scripts')],
	'POST /api/projects/{id}/scripts': [
		'ynyynh',
		inP('/api/projects/{id}/scripts', () => ({
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		})),
	],
	'GET /api/scripts/{id}': ['yyyyyh', () => at('/api/scripts/{id}', make.script())],
	'PATCH /api/scripts/{id}': [
		'ynyynh',
		() => at('/api/scripts/{id}', make.script(), (row) => on(row, { body: { description: 'x' } })),
	],
	'DELETE /api/scripts/{id}': ['ynyynh', () => at('/api/scripts/{id}', make.script(), on)],
	'GET /api/scripts/{id}/content': ['yyyyyh', () => at('/api/scripts/{id}/content', make.script())],
	'PUT /api/scripts/{id}/content': [
		'ynyynh',
		() => at('/api/scripts/{id}/content', make.script(), () => ({ raw: 'echo new' })),
	],
	'GET /api/projects/{id}/repos': ['yyyyyh', inP('/api/projects/{id}/repos')],
	'POST /api/projects/{id}/repos': [
		'ynyynh',
		inP('/api/projects/{id}/repos', () => ({
			provider: 'other',
			name: fresh('r'),
			url: 'ssh://git@example.com/x.git',
		})),
	],
	'GET /api/repos/{id}': ['yyyyyh', () => at('/api/repos/{id}', make.repo())],
	'PATCH /api/repos/{id}': [
		'ynyynh',
		() => at('/api/repos/{id}', make.repo(), (row) => on(row, { body: { default_branch: 'trunk' } })),
	],
	'DELETE /api/repos/{id}': ['ynyynh', () => at('/api/repos/{id}', make.repo(), on)],
	'GET /api/repos/{id}/changes': ['yyyyyh', () => at('/api/repos/{id}/changes', make.repo())],
	'POST /api/repos/{id}/changes': [
		'yyyynh',
		() =>
			at('/api/repos/{id}/changes', make.repo(), () => ({ body: { change_type: 'commit', external_id: 'c0ffee' } })),
	],
	'GET /api/projects/{id}/changes': ['yyyyyh', inP('/api/projects/{id}/changes')],
	'GET /api/jobs/{id}/changes': ['yyyyyh', () => at('/api/jobs/{id}/changes', make.job())],
	'GET /api/changes/{id}': ['yyyyyh', () => at('/api/changes/{id}', make.change())],
	'PATCH /api/changes/{id}': [
		'yyyynh',
		() => at('/api/changes/{id}', make.change(), (row) => on(row, { body: { title: 'x' } })),
	],
	'DELETE /api/changes/{id}': ['yyyynh', () => at('/api/changes/{id}', make.change(), on)],
	'GET /api/projects/{id}/hub-secrets': ['ynnynh', inP('/api/projects/{id}/hub-secrets')],
	'PUT /api/projects/{id}/hub-secrets/{name}': [
		'ynnynh',
		inP('/api/projects/{id}/hub-secrets/deploy', () => ({ value: 'sixteen-characters' })),
	],
	'DELETE /api/projects/{id}/hub-secrets/{name}': [
		'ynnynh',
		async () => {
			const path = `/api/projects/${String(p)}/hub-secrets/${fresh('key')}`;
			await admin.ok('PUT', path, { value: 'sixteen-characters' });
			return { path };
		},
	],
	'GET /api/projects/{id}/inventories': ['yyyyyh', inP('/api/projects/{id}/inventories')],
	'POST /api/projects/{id}/inventories': [
		'ynnynh',
		inP('/api/projects/{id}/inventories', () => ({ source_type: 'uploaded', content: 'h1' })),
	],
	'GET /api/inventories/{id}': ['yyyyyh', () => at('/api/inventories/{id}', make.inventory())],
	'PATCH /api/inventories/{id}': [
		'ynnynh',
		() => at('/api/inventories/{id}', make.inventory(), (row) => on(row, { body: { summary: 'x' } })),
	],
	'DELETE /api/inventories/{id}': ['ynnynh', () => at('/api/inventories/{id}', make.inventory(), on)],
	'GET /api/inventories/{id}/content': ['yyyyyh', () => at('/api/inventories/{id}/content', make.inventory())],
	'GET /api/projects/{id}/terraform-plans': ['yyyyyh', inP('/api/projects/{id}/terraform-plans')],
	'POST /api/projects/{id}/terraform-plans': [
		'ynnynh',
		inP('/api/projects/{id}/terraform-plans', () => ({ source_type: 'uploaded', content: EMPTY_PLAN })),
	],
	'GET /api/terraform-plans/{id}': ['yyyyyh', () => at('/api/terraform-plans/{id}', make.plan())],
	'PATCH /api/terraform-plans/{id}': [
		'ynnynh',
		() => at('/api/terraform-plans/{id}', make.plan(), (row) => on(row, { body: { summary: 'x' } })),
	],
	'DELETE /api/terraform-plans/{id}': ['ynnynh', () => at('/api/terraform-plans/{id}', make.plan(), on)],
	'POST /api/terraform-plans/{id}/apply': [
		'ynnynh',
		() => at('/api/terraform-plans/{id}/apply', make.madePlan(), () => ({ body: {} })),
	],
	'GET /api/terraform-plans/{id}/diff': ['yyyyyh', () => at('/api/terraform-plans/{id}/diff', make.plan())],
	'GET /api/projects/{id}/clusters': ['yyyyyh', inP('/api/projects/{id}/clusters')],
	'POST /api/projects/{id}/clusters': [
		'ynnynh',
		inP('/api/projects/{id}/clusters', () => ({ name: fresh('k'), kubeconfig_ref: 'file:/etc/kube' })),
	],
	'GET /api/clusters/{id}': ['yyyyyh', () => at('/api/clusters/{id}', make.cluster())],
	'PATCH /api/clusters/{id}': [
		'ynnynh',
		() => at('/api/clusters/{id}', make.cluster(), (row) => on(row, { body: { kubeconfig_ref: 'env:KUBE' } })),
	],
	'DELETE /api/clusters/{id}': ['ynnynh', () => at('/api/clusters/{id}', make.cluster(), on)],
	'GET /api/projects/{id}/metric-refs': ['yyyyyh', inP('/api/projects/{id}/metric-refs')],
	'POST /api/projects/{id}/metric-refs': [
		'yyyynh',
		inP('/api/projects/{id}/metric-refs', () => ({ label: 'l', url: 'https://example.com' })),
	],
	'GET /api/metric-refs/{id}': ['yyyyyh', () => at('/api/metric-refs/{id}', make.metric())],
	'PATCH /api/metric-refs/{id}': [
		'yyyynh',
		() => at('/api/metric-refs/{id}', make.metric(), (row) => on(row, { body: { label: 'x' } })),
	],
	'DELETE /api/metric-refs/{id}': ['yyyynh', () => at('/api/metric-refs/{id}', make.metric(), on)],
	'GET /api/scripts/{id}/jobs': ['yyyyyh', () => at('/api/scripts/{id}/jobs', make.script())],
	'GET /api/jobs': ['yyyyyy', plain('/api/jobs')],
	'GET /api/projects/{id}/jobs': ['yyyyyh', inP('/api/projects/{id}/jobs')],
	'POST /api/projects/{id}/jobs': [
		'yyyynh',
		inP('/api/projects/{id}/jobs', () => ({ title: fresh('j'), job_type: 'dev' })),
	],
	'GET /api/jobs/{id}': ['yyyyyh', () => at('/api/jobs/{id}', make.job())],
	'PATCH /api/jobs/{id}': [
		'yyyynh',
		() => at('/api/jobs/{id}', make.job(), (row) => on(row, { body: { title: 'x' } })),
	],
	'DELETE /api/jobs/{id}': ['yyyynh', () => at('/api/jobs/{id}', make.job(), on)],
	'GET /api/jobs/{id}/signatures': ['yyyyyh', () => at('/api/jobs/{id}/signatures', make.job())],
	'GET /api/jobs/{id}/template': ['yyyynh', () => at('/api/jobs/{id}/template', make.job())],
	'PUT /api/jobs/{id}/signature': [
		'ynnynh',
		async () => {
			const id = idOf(await make.job());
			return { path: `/api/jobs/${String(id)}/signature`, body: (await signed(admin, id)).body };
		},
	],
	'DELETE /api/jobs/{id}/signature': [
		'ynnynh',
		async () => {
			const id = idOf(await make.job());
			const path = `/api/jobs/${String(id)}/signature`;
			await admin.ok('PUT', path, (await signed(admin, id)).body);
			return { path };
		},
	],
	'GET /api/jobs/{id}/scripts': ['yyyyyh', () => at('/api/jobs/{id}/scripts', make.job())],
	'POST /api/jobs/{id}/runs': ['yyyynh', () => at('/api/jobs/{id}/runs', make.job(), () => ({ body: {} }))],
	'GET /api/runs': ['yyyyyy', plain('/api/runs')],
	'GET /api/runs/{id}': ['yyyyyh', () => at('/api/runs/{id}', make.run())],
	'POST /api/runs/{id}/cancel': ['yyyynh', () => at('/api/runs/{id}/cancel', make.run())],
	'GET /api/runs/{id}/approvals': ['yyyyyh', () => at('/api/runs/{id}/approvals', make.run())],
	'POST /api/runs/{id}/approve': ['ynnynh', () => at('/api/runs/{id}/approve', make.asked(), decided)],
	'POST /api/runs/{id}/reject': ['ynnynh', () => at('/api/runs/{id}/reject', make.asked(), decided)],
	'POST /api/runs/{id}/retry': ['yyyynh', () => at('/api/runs/{id}/retry', make.over())],
	'GET /api/runs/{id}/log': ['yyyyyh', () => at('/api/runs/{id}/log', make.run())],
	'GET /api/runs/{id}/log/lines': ['yyyyyh', () => at('/api/runs/{id}/log/lines', make.run())],
	'GET /api/runs/{id}/log/search': ['yyyyyh', () => at('/api/runs/{id}/log/search?q=x', make.run())],
	'GET /api/projects/{id}/events': ['yyyyyh', inP('/api/projects/{id}/events')],
	'POST /api/projects/{id}/events': [
		'yyyynh',
		inP('/api/projects/{id}/events', () => ({ title: fresh('e'), start: '2026-12-01T08:00:00Z' })),
	],
	'GET /api/events/{id}': ['yyyyyh', () => at('/api/events/{id}', make.event())],
	'PATCH /api/events/{id}': [
		'yyyynh',
		() => at('/api/events/{id}', make.event(), (row) => on(row, { body: { title: 'x' } })),
	],
	'DELETE /api/events/{id}': ['yyyynh', () => at('/api/events/{id}', make.event(), on)],
	'GET /api/calendar': ['yyyyyy', plain('/api/calendar?start=2026-12-01&end=2026-12-02')],
	'GET /api/incidents': ['yyyyyy', plain('/api/incidents')],
	'GET /api/projects/{id}/incidents': ['yyyyyh', inP('/api/projects/{id}/incidents')],
	'POST /api/projects/{id}/incidents': ['yyyynh', inP('/api/projects/{id}/incidents', () => ({ title: fresh('i') }))],
	'GET /api/incidents/{id}': ['yyyyyh', () => at('/api/incidents/{id}', make.incident())],
	'PATCH /api/incidents/{id}': [
		'yyyynh',
		() => at('/api/incidents/{id}', make.incident(), (row) => on(row, { body: { title: 'x' } })),
	],
	'DELETE /api/incidents/{id}': ['yynynh', () => at('/api/incidents/{id}', make.incident(), on)],
	'POST /api/incidents/{id}/acknowledge': ['yyyynh', () => at('/api/incidents/{id}/acknowledge', make.incident())],
	'POST /api/incidents/{id}/mitigate': ['yyyynh', () => at('/api/incidents/{id}/mitigate', make.incident())],
	'POST /api/incidents/{id}/resolve': ['yyyynh', () => at('/api/incidents/{id}/resolve', make.incident())],
	'POST /api/incidents/{id}/close': ['yynynh', () => at('/api/incidents/{id}/close', make.incident('resolved'))],
	'POST /api/incidents/{id}/reopen': [
		'yyyynh',
		() => at('/api/incidents/{id}/reopen', make.incident('resolved'), () => ({ body: { reason: 'back' } })),
	],
	'POST /api/incidents/{id}/roles': [
		'yyyynh',
		() => at('/api/incidents/{id}/roles', make.incident(), () => ({ body: { role: 'scribe', user_id: ops.id } })),
	],
	'GET /api/incidents/{id}/changes': ['yyyyyh', () => at('/api/incidents/{id}/changes', make.incident())],
	'GET /api/incidents/{id}/entries': ['yyyyyh', () => at('/api/incidents/{id}/entries', make.incident())],
	'POST /api/incidents/{id}/entries': [
		'yyyynh',
		() => at('/api/incidents/{id}/entries', make.incident(), () => ({ body: { body: 'seen' } })),
	],
	'PATCH /api/incidents/{id}/entries/{entry}': [
		'yyyynh',
		() => under('entries/{row}', make.entry(), (row) => on(row, { body: { pinned: true } })),
	],
	'GET /api/incidents/{id}/links': ['yyyyyh', () => at('/api/incidents/{id}/links', make.incident())],
	'POST /api/incidents/{id}/links': [
		'yyyynh',
		async () => {
			const job_id = idOf(await make.job());
			return at('/api/incidents/{id}/links', make.incident(), () => ({ body: { kind: 'job', job_id } }));
		},
	],
	'PATCH /api/incidents/{id}/links/{link}': [
		'yyyynh',
		() => under('links/{row}', make.link(), (row) => on(row, { body: { role: 'rollback' } })),
	],
	'DELETE /api/incidents/{id}/links/{link}': ['yyyynh', () => under('links/{row}', make.link(), on)],
	'GET /api/incidents/{id}/postmortem': ['yyyyyh', () => under('', make.postmortem())],
	'POST /api/incidents/{id}/postmortem': [
		'yyyynh',
		() => at('/api/incidents/{id}/postmortem', make.incident(), () => ({ body: {} })),
	],
	'PATCH /api/incidents/{id}/postmortem': [
		'yyyynh',
		() => under('', make.postmortem(), (row) => on(row, { body: { impact: 'x' } })),
	],
	'POST /api/incidents/{id}/postmortem/submit': ['yyyynh', () => under('submit', make.postmortem())],
	'POST /api/incidents/{id}/postmortem/publish': ['yynynh', () => under('publish', make.postmortem('submit'))],
	'POST /api/incidents/{id}/postmortem/withdraw': ['yyyynh', () => under('withdraw', make.postmortem('submit'))],
	'GET /api/incidents/{id}/postmortem/versions': ['yyyyyh', () => under('versions', make.postmortem())],
	'GET /api/incidents/{id}/postmortem/versions/{number}': ['yyyyyh', () => under('versions/1', make.postmortem())],
	'GET /api/incidents/{id}/postmortem/export': ['yyyyyh', () => under('export', make.postmortem())],
	'GET /api/incidents/{id}/postmortem/actions': ['yyyyyh', () => under('actions', make.postmortem())],
	'POST /api/incidents/{id}/postmortem/actions': [
		'yyyynh',
		() => under('actions', make.postmortem(), () => ({ body: { title: 'do it' } })),
	],
	'PATCH /api/incidents/{id}/postmortem/actions/{action}': [
		'yyyynh',
		() => under('actions/{row}', make.action(), (row) => on(row, { body: { state: 'done' } })),
	],
	'DELETE /api/incidents/{id}/postmortem/actions/{action}': ['yyyynh', () => under('actions/{row}', make.action(), on)],
	'GET /api/agents': ['yyyyyy', plain('/api/agents')],
	'POST /api/agents/enrolments': ['ynnnnn', plain('/api/agents/enrolments', () => ({}))],
	'GET /api/agents/{id}': ['yyyyyy', () => at('/api/agents/{id}', make.agent())],
	'PATCH /api/agents/{id}': [
		'ynnnnn',
		() => at('/api/agents/{id}', make.agent(), (row) => on(row, { body: { capacity: 2 } })),
	],
	'POST /api/agents/{id}/confirm': [
		'ynnnnn',
		() => at('/api/agents/{id}/confirm', make.agent(), (row) => ({ body: { fingerprint: row.fingerprint } })),
	],
	'POST /api/agents/{id}/quarantine': ['ynnnnn', () => at('/api/agents/{id}/quarantine', make.agentLetIn())],
	'POST /api/agents/{id}/revoke': ['ynnnnn', () => at('/api/agents/{id}/revoke', make.agent())],
	'GET /api/freezes': ['yyyyyy', plain('/api/freezes')],
	'POST /api/freezes': ['yynnnh', plain('/api/freezes', () => ({ project_id: p, ...window() }))],
	'GET /api/freezes/{id}': ['yyyyyh', () => at('/api/freezes/{id}', make.freeze())],
	'PATCH /api/freezes/{id}': [
		'yynnnh',
		() => at('/api/freezes/{id}', make.freeze(), (row) => on(row, { body: { title: 'x' } })),
	],
	'DELETE /api/freezes/{id}': ['yynnnh', () => at('/api/freezes/{id}', make.freeze(), on)],
	'GET /api/calendar/freezes': [
		'yyyyyh',
		() => Promise.resolve({ path: `/api/calendar/freezes?start=2026-11-01&end=2026-12-01&project_id=${String(p)}` }),
	],
	'GET /api/calendar/state': ['yyyyyh', () => Promise.resolve({ path: `/api/calendar/state?project_id=${String(p)}` })],
	'GET /api/server-status/history': [
		'yyyyyy',
		async () => {
			const { id } = await make.agent();
			const from = new Date(Date.now() - 3_600_000).toISOString();
			return { path: `/api/server-status/history?agent_id=${String(id)}&from=${from}` };
		},
	],
	'GET /api/server-status': ['yyyyyy', plain('/api/server-status')],
};

/** Operations whose rules are not of this kind, each with the test that has them. */
const elsewhere = [
	'POST /api/auth/login', // api-session
	'POST /api/auth/logout', // api-session
	'POST /api/auth/setup', // api-setup
	'POST /api/imports', // api-import
	'GET /api/imports/{id}', // api-import
	'POST /api/imports/{id}/lines', // api-import
	'POST /api/imports/{id}/finish', // api-import
	'POST /api/auth/code', // api-second-factor
	'POST /api/me/totp/confirm', // api-second-factor
	'POST /api/me/totp/recovery-codes', // api-second-factor
	'POST /api/me/totp/disable', // api-second-factor
	'GET /api/auth/oidc/start', // api-oidc
	'GET /api/auth/oidc/callback', // api-oidc
	'POST /api/agents/enrol', // api-agents
	'POST /api/hooks/runs/{id}', // hub-work
	'POST /api/me/password', // api-me
	'POST /api/me/email/check', // mails
	'POST /api/me/email/confirm', // mails
	'DELETE /api/me/sessions', // api-me
	'DELETE /api/me/sessions/{id}', // api-me
];

describe('1: who may do what', () => {
	it('has a row for every operation there is', async () => {
		const { body } = await nobody('GET', '/api/openapi.json');
		const paths = body.paths as Record<string, object>;
		const operations = Object.entries(paths).flatMap(([path, methods]) =>
			Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
		);
		expect(operations.length).toBeGreaterThan(40);
		expect([...Object.keys(table), ...elsewhere].sort()).toEqual(operations.sort());
	});

	for (const [operation, [expected, ask]] of Object.entries(table)) {
		const [method = ''] = operation.split(' ');
		it(`${operation}: ${expected}`, async () => {
			const people = [admin, owner, dev, ops, reader, stranger];
			const got: string[] = [];
			for (const who of people) {
				const { path, ...options } = await ask();
				const { status } = await who.call(method, path, options);
				got.push(status < 300 ? 'y' : status === 403 ? 'n' : status === 404 ? 'h' : String(status));
			}
			const { path, ...options } = await ask();
			const anyone = await nobody(method, path, options);
			expect(`${got.join('')}${anyone.status === 200 ? ' o' : ''}`).toBe(expected);
			if (anyone.status !== 200) expect(anyone).toMatchObject({ status: 401, body: { code: 'not_signed_in' } });
		});
	}
});

describe('a POST that was carried out, and whose answer the hub did not live to keep', () => {
	/** What they made has no address of its own, or they told of nothing. */
	const unreadable = [
		'POST /api/incidents/{id}/entries',
		'POST /api/incidents/{id}/links',
		'POST /api/incidents/{id}/postmortem/actions',
		'POST /api/me/notifications/read',
		'POST /api/webhooks/{id}/ping',
		'POST /api/webhooks/{id}/deliveries/{delivery}/replay',
	];
	/** Asked a second time they change nothing by themselves, and are answered as any. */
	const harmless = ['POST /api/runs/{id}/cancel', 'POST /api/incidents/{id}/roles', 'POST /api/projects/{id}/owner'];
	const audits = () => env.DB.prepare('select count(*) n from audit_logs').first<number>('n');
	const kept = (key: string) =>
		env.DB.prepare('select answer from idempotency_keys where key = ?').bind(key).first<string | null>('answer');

	it('answers who asks again with the same key, and is not carried out twice', async () => {
		const { body: document } = await nobody('GET', '/api/openapi.json');
		const paths = document.paths as Record<string, { post?: { parameters?: { name: string }[] } }>;
		const keyed = Object.entries(paths).flatMap(([path, { post }]) =>
			post?.parameters?.some(({ name }) => name === 'Idempotency-Key') ? [`POST ${path}`] : [],
		);
		expect(keyed.length).toBeGreaterThan(30);
		for (const operation of keyed) {
			const ask = table[operation]?.[1];
			if (!ask) throw new Error(`${operation} has no row`);
			const { path, ...options } = await ask();
			const key = crypto.randomUUID();
			const asked = () =>
				admin.call('POST', path, { ...options, headers: { ...options.headers, 'idempotency-key': key } });
			const first = await asked();
			expect(first.status, operation).toBeLessThan(300);
			await expect.poll(() => kept(key), { message: operation }).toEqual(expect.any(String));
			await env.DB.prepare('update idempotency_keys set status = null, answer = null where key = ?').bind(key).run();
			const before = await audits();

			const again = await asked();
			expect(await audits(), operation).toBe(before);
			if (unreadable.includes(operation)) {
				expect(again, operation).toMatchObject({ status: 409, body: { code: 'conflict' } });
				expect(again.body.detail, operation).toContain('was carried out');
				continue;
			}
			expect(again, operation).toMatchObject({ status: first.status, body: first.body });
			expect(Object.keys(again.body).sort(), operation).toEqual(Object.keys(first.body).sort());
			expect(again.headers.get('etag'), operation).toBe(first.headers.get('etag'));
			if (!harmless.includes(operation)) expect(again.headers.get('idempotency-replayed'), operation).toBe('true');
			await expect
				.poll(async () => JSON.parse((await kept(key)) ?? 'null') as unknown, { message: operation })
				.toEqual(again.body);
		}
	});
});

describe('1: another project is not there', () => {
	it('gives the same answer for a row of a hidden project and for no row', async () => {
		const job = await admin.ok('POST', `/api/projects/${String(other)}/jobs`, { title: 'secret', job_type: 'dev' });
		const hidden = await dev.call('GET', `/api/jobs/${String(idOf(job))}`);
		const absent = await dev.call('GET', '/api/jobs/2000000000');
		expect({ ...hidden.body, request_id: '' }).toEqual({ ...absent.body, request_id: '' });
		expect(hidden.status).toBe(404);
	});

	it('is no nearer for someone who owns a project of their own', async () => {
		const someone = await person('projets');
		await project(someone);
		expect((await someone.call('GET', `/api/projects/${String(p)}`)).status).toBe(404);
		expect((await someone.ok('GET', '/api/projects')).items).toHaveLength(1);
	});

	it('leaves hidden rows out of every list, search and calendar', async () => {
		await admin.ok('POST', `/api/projects/${String(other)}/jobs`, {
			title: 'hidden-needle',
			job_type: 'dev',
			planned_start: '2027-01-04T08:00:00Z',
		});
		for (const path of [
			'/api/projects?limit=200',
			'/api/jobs?q=hidden-needle',
			'/api/runs?q=hidden-needle',
			'/api/calendar?start=2027-01-01&end=2027-02-01',
		]) {
			expect(JSON.stringify(await dev.ok('GET', path)), path).not.toContain('hidden-needle');
			const ids = (await dev.ok('GET', path)).items as { id: number }[] | undefined;
			if (path.startsWith('/api/projects')) expect(ids?.map(({ id }) => id)).not.toContain(other);
		}
		expect(JSON.stringify(await admin.ok('GET', '/api/jobs?q=hidden-needle'))).toContain('hidden-needle');
	});

	it('refuses a filter by a hidden project as if it were not there', async () => {
		for (const path of [
			`/api/runs?project_id=${String(other)}`,
			`/api/calendar?start=2027-01-01&end=2027-02-01&project_id=${String(other)}`,
		])
			expect((await dev.call('GET', path)).status, path).toBe(404);
	});
});

describe('2: what a body refers to', () => {
	it('must be of the same project', async () => {
		const environment = await admin.ok('POST', `/api/projects/${String(other)}/environments`, {
			name: 'e',
			type: 'dev',
		});
		const script = await admin.ok('POST', `/api/projects/${String(other)}/scripts`, {
			tool: 'shell',
			name: 's',
			location_type: 'uploaded',
			content: 'true',
		});
		const inventory = await admin.ok('POST', `/api/projects/${String(other)}/inventories`, {
			source_type: 'uploaded',
			content: 'h1',
		});
		const targets = { inventory_id: inventory.id, limit: null };
		const job = await make.job();
		const cases: [string, string, object, string][] = [
			[
				'POST',
				`/api/projects/${String(p)}/jobs`,
				{ title: 'x', job_type: 'dev', environment_id: environment.id },
				'environment_id',
			],
			[
				'POST',
				`/api/projects/${String(p)}/jobs`,
				{ title: 'x', job_type: 'dev', script_ids: [script.id] },
				'script_ids.0',
			],
			['POST', `/api/projects/${String(p)}/jobs`, { title: 'x', job_type: 'dev', owner_id: 999_999 }, 'owner_id'],
			[
				'POST',
				`/api/projects/${String(p)}/jobs`,
				{ title: 'x', job_type: 'dev', requested_by_id: 999_999 },
				'requested_by_id',
			],
			['PATCH', `/api/jobs/${String(idOf(job))}`, { environment_id: environment.id }, 'environment_id'],
			['PATCH', `/api/jobs/${String(idOf(job))}`, { script_ids: [script.id] }, 'script_ids.0'],
			['POST', `/api/projects/${String(p)}/jobs`, { title: 'x', job_type: 'dev', targets }, 'targets.inventory_id'],
			['PATCH', `/api/jobs/${String(idOf(job))}`, { targets }, 'targets.inventory_id'],
			['POST', `/api/jobs/${String(idOf(job))}/runs`, { environment_id: environment.id }, 'environment_id'],
		];
		for (const [method, path, body, field] of cases) {
			const answer = await admin.call(method, path, { body, headers: { 'if-match': '"v1"' } });
			expect(answer, `${path} ${field}`).toMatchObject({
				status: 400,
				body: { code: 'invalid', errors: [{ path: field }] },
			});
		}
		expect(await admin.ok('GET', `/api/jobs/${String(idOf(job))}`)).toMatchObject({ version: 1 });
	});
});

describe('3: what nobody may set', () => {
	it('is refused as an unknown key, and nothing is made', async () => {
		const before = await admin.ok('GET', '/api/audit?limit=1');
		for (const extra of [
			'role',
			'is_active',
			'owner_id',
			'version',
			'id',
			'status',
			'created_at',
			'access',
			'__proto__',
		])
			expect(
				await owner.call('POST', '/api/projects', {
					raw: `{"name":"x","${extra}":1}`,
					headers: { 'content-type': 'application/json' },
				}),
				extra,
			).toMatchObject({ status: 400, body: { code: 'invalid' } });
		expect(
			(await dev.call('PATCH', '/api/me', { body: { role: 'admin' }, headers: { 'if-match': '"v1"' } })).status,
		).toBe(400);
		expect(await admin.ok('GET', '/api/audit?limit=1')).toEqual(before);
		expect(await dev.ok('GET', '/api/auth/me')).toMatchObject({ role: 'dev' });
	});

	it('never shows a password or a session', async () => {
		for (const path of ['/api/auth/me', '/api/users', '/api/audit'])
			expect(JSON.stringify(await admin.ok('GET', path)), path).not.toMatch(/password|token"|hash":"[^"]*:/);
	});
});

describe('4: who is no longer one of us', () => {
	it('is shut out of the next request, whatever session they hold', async () => {
		const leaver = await person('admin');
		expect((await leaver.call('GET', '/api/projects')).status).toBe(200);
		await env.DB.prepare('update users set is_active = 0 where id = ?').bind(leaver.id).run();
		expect((await leaver.call('GET', '/api/projects')).status).toBe(401);
		await env.DB.prepare("update users set is_active = 1, role = 'dev' where id = ?").bind(leaver.id).run();
		expect((await leaver.call('GET', '/api/audit')).status).toBe(403);
	});

	it('has no session after its time, and none with a made-up token', async () => {
		const old = await session(dev.id, Date.now() - 1);
		expect((await caller(old)('GET', '/api/auth/me')).status).toBe(401);
		const good = await session(dev.id);
		expect((await caller(good)('GET', '/api/auth/me')).status).toBe(200);
		for (const bad of [good.slice(0, -1), `${good}x`, `${good}.x`, 'uhub_session=x.y', 'uhub_session='])
			expect((await caller(bad)('GET', '/api/auth/me')).status, bad).toBe(401);
	});
});

it('what all of them made leaves as an archive that another hub would take', async () => {
	const kinds = await expectArchivable();
	for (const kind of ['Agent', 'Freeze', 'GroupUser', 'Incident', 'IncidentLink', 'PostMortem', 'GitChange', 'Cluster'])
		expect(kinds).toContain(kind);
});
