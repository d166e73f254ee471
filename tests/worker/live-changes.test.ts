import { beforeAll, describe, expect, it, vi } from 'vitest';
import { type Entity, ToBrowser } from '#protocol/browser.ts';
import { type Answer, type Caller, fresh, idOf, ORIGIN, person, project } from './api-world.ts';
import { enrolled, TestAgent, TestSocket } from './live-world.ts';
import { signed } from './signing.ts';
import { ifMatch } from './source-world.ts';

// Every kind of row that belongs to a project: made, changed and gone, it reaches the page of somebody who may only look.

let admin: Caller;
let p: number;
let page: TestSocket;

beforeAll(async () => {
	const [first, reader] = await Promise.all([person('admin'), person('projets')]);
	admin = first;
	p = await project(admin, [[reader, 'read']]);
	page = await TestSocket.open(`/live/projects/${String(p)}`, { cookie: reader.cookie, origin: ORIGIN });
	page.ws.send(JSON.stringify({ type: 'hello', v: 1, since: null }));
	await vi.waitUntil(() => page.messages.length > 0, { timeout: 30_000 });
});

const changes = () =>
	page.messages.flatMap((text) => {
		const frame = typeof text === 'string' ? ToBrowser.parse(JSON.parse(text)) : null;
		return frame?.type === 'changes' ? frame.changes : [];
	});
const told = (entity: Entity, id: unknown, row: object | null) =>
	expect
		.poll(() => changes().filter((c) => c.entity === entity && c.id === id))
		.toContainEqual(expect.objectContaining({ row: row && expect.objectContaining(row) }));

const inP = (path: string) => `/api/projects/${String(p)}/${path}`;
const make = (path: string, body: object) => admin.ok('POST', inP(path), body);
const incident = () => make('incidents', { title: fresh('i') });
const repo = () => make('repos', { provider: 'gitea', name: fresh('r'), url: 'https://git.example.com/x' });
const job = async (more: object = {}) => {
	const script = await make('scripts', {
		tool: 'shell',
		name: fresh('s'),
		location_type: 'uploaded',
		content: 'true',
	});
	return make('jobs', { title: fresh('j'), job_type: 'ops', script_ids: [script.id], ...more });
};

/** Made at `list`, changed and removed at its own address. */
async function cycle(entity: Entity, list: string, at: string, body: object, patch: object): Promise<Answer['body']> {
	const row = await admin.ok('POST', list, body);
	await told(entity, row.id, { version: row.version });
	const address = `${at}/${String(idOf(row))}`;
	const edited = await admin.ok('PATCH', address, patch, ifMatch(row));
	await told(entity, row.id, { version: edited.version, ...patch });
	await admin.ok('DELETE', address, undefined, ifMatch(edited));
	await told(entity, row.id, null);
	return row;
}
const simple = (entity: Entity, path: string, body: object, patch: object, at = path) =>
	cycle(entity, inP(path), `/api/${at}`, body, patch);

const entities: Record<Entity, () => Promise<unknown>> = {
	async project() {
		const row = await admin.ok('GET', `/api/projects/${String(p)}`);
		await admin.ok('PATCH', `/api/projects/${String(p)}`, { description: 'seen' }, ifMatch(row));
		await told('project', p, { description: 'seen' });
	},
	environment: () => simple('environment', 'environments', { name: fresh('e'), type: 'dev' }, { description: 'd' }),
	job: () => simple('job', 'jobs', { title: 'x', job_type: 'dev' }, { title: 'y' }),
	event: () => simple('event', 'events', { title: 'x', start: '2030-01-01T10:00:00Z' }, { title: 'y' }),
	script: () =>
		simple(
			'script',
			'scripts',
			{ tool: 'shell', name: fresh('s'), location_type: 'uploaded', content: 'x' },
			{ description: 'd' },
		),
	async run() {
		const run = await admin.ok('POST', `/api/jobs/${String(idOf(await job()))}/runs`, {});
		await told('run', run.id, { status: 'queued' });
		await admin.ok('POST', `/api/runs/${String(idOf(run))}/cancel`, {});
		await told('run', run.id, { status: 'canceled' });
	},
	async agent() {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		await told('agent', agent.id, { status: 'online' });
		agent.socket.ws.close(1000);
		await told('agent', agent.id, { status: 'offline' });
	},
	async freeze() {
		const window = { start: '2031-01-01T00:00:00Z', end: '2031-01-02T00:00:00Z' };
		for (const project_id of [p, null])
			await cycle(
				'freeze',
				'/api/freezes',
				'/api/freezes',
				{ project_id, title: 'x', reason: 'r', ...window },
				{ title: 'y' },
			);
	},
	incident: () => simple('incident', 'incidents', { title: 'x' }, { title: 'y' }),
	async incident_entry() {
		const at = `/api/incidents/${String(idOf(await incident()))}/entries`;
		const row = await admin.ok('POST', at, { body: 'seen' });
		await told('incident_entry', row.id, { body: 'seen' });
		await admin.ok('PATCH', `${at}/${String(idOf(row))}`, { pinned: true }, ifMatch(row));
		await told('incident_entry', row.id, { pinned: true });
	},
	async incident_link() {
		const at = `/api/incidents/${String(idOf(await incident()))}/links`;
		await cycle('incident_link', at, at, { kind: 'job', job_id: (await job()).id }, { role: 'rollback' });
	},
	async postmortem() {
		const at = `/api/incidents/${String(idOf(await incident()))}/postmortem`;
		const row = await admin.ok('POST', at, { summary: 's', impact: 'i' });
		await told('postmortem', row.id, { status: 'draft' });
		await admin.ok('PATCH', at, { summary: 't' }, ifMatch(row));
		await told('postmortem', row.id, { version: 2 });
		await admin.ok('POST', `${at}/submit`, {});
		await told('postmortem', row.id, { status: 'review' });
	},
	async action_item() {
		const at = `/api/incidents/${String(idOf(await incident()))}/postmortem`;
		await admin.ok('POST', at, { summary: 's', impact: 'i' });
		await cycle('action_item', `${at}/actions`, `${at}/actions`, { title: 'x' }, { state: 'done' });
	},
	async hub_secret() {
		const at = `/api/projects/${String(p)}/hub-secrets/${fresh('key')}`;
		const row = await admin.ok('PUT', at, { value: 'sixteen-characters' });
		await told('hub_secret', row.id, { id: row.id, version: 1 });
		await admin.call('DELETE', at);
		await told('hub_secret', row.id, null);
	},
	async alert_source() {
		const body = { name: fresh('source'), kind: 'generic' };
		const row = await admin.ok('POST', `/api/projects/${String(p)}/alert-sources`, body);
		await told('alert_source', row.id, { id: row.id, version: 1 });
		expect(JSON.stringify(changes())).not.toContain(String(row.path).split('/').at(-1));
		const path = `/api/alert-sources/${String(row.id)}`;
		const after = await admin.ok('PATCH', path, { severity: 'low' }, ifMatch(row));
		await told('alert_source', row.id, { id: row.id, version: 2 });
		await admin.call('DELETE', path, { headers: ifMatch(after) });
		await told('alert_source', row.id, null);
	},
	async job_signature() {
		const id = idOf(await job());
		const at = `/api/jobs/${String(id)}/signature`;
		const { body, key } = await signed(admin, id);
		await admin.ok('PUT', at, body);
		await told('job_signature', id, { id });
		expect(JSON.stringify(changes())).not.toContain(key);
		await admin.call('DELETE', at);
		await told('job_signature', id, null);
	},
	repo: () =>
		simple(
			'repo',
			'repos',
			{ provider: 'other', name: fresh('r'), url: 'https://git.example.com/x' },
			{ default_branch: 'trunk' },
		),
	async change() {
		const list = `/api/repos/${String(idOf(await repo()))}/changes`;
		await cycle('change', list, '/api/changes', { change_type: 'commit', external_id: 'abc' }, { title: 'y' });
	},
	inventory: () =>
		simple('inventory', 'inventories', { source_type: 'uploaded', content: 'h1\n' }, { summary: 'one host' }),
	terraform_plan: () =>
		simple(
			'terraform_plan',
			'terraform-plans',
			{ source_type: 'uploaded', content: '{"format_version":"1.2"}' },
			{ summary: 'nothing' },
		),
	cluster: () =>
		simple(
			'cluster',
			'clusters',
			{ name: fresh('k'), kubeconfig_ref: 'vault:kv2/k8s/prod#config' },
			{ api_server_url: 'https://k8s.example.com/' },
		),
	metric_ref: () =>
		simple('metric_ref', 'metric-refs', { label: 'x', url: 'https://grafana.example.com/x' }, { label: 'y' }),
	/** Told that it changed, and nothing of it: who may not manage the project sees no webhook. */
	async webhook() {
		const row = await admin.ok('POST', '/api/webhooks', {
			project_id: p,
			name: 'chat',
			url: 'https://hooks.example.com/secret',
			events: ['run.ended'],
		});
		await told('webhook', row.id, {});
		expect(changes().find((c) => c.entity === 'webhook')?.row).toEqual({ id: row.id });
		await admin.ok('DELETE', `/api/webhooks/${String(idOf(row))}`, undefined, ifMatch(row));
		await told('webhook', row.id, null);
	},
};

describe('a page in the project’s room is told of', () => {
	it.each(Object.entries(entities))('%s: one that comes, changes and goes', async (_name, act) => {
		await act();
	});

	it('1: nothing of another project', async () => {
		const other = await project(admin);
		const before = changes().length;
		await admin.ok('POST', `/api/projects/${String(other)}/jobs`, { title: 'x', job_type: 'dev' });
		await make('metric-refs', { label: 'last', url: 'https://grafana.example.com/x' });
		await expect.poll(() => changes().length).toBeGreaterThan(before);
		expect(changes().slice(before)).toMatchObject([{ entity: 'metric_ref', row: { label: 'last' } }]);
	});
});
