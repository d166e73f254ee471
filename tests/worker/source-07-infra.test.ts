import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type Caller, fresh, idOf, insert, person, project } from './api-world.ts';
import { expectFields, expectRefused, ifMatch } from './source-world.ts';

let ops: Caller, admin: Caller;
let p: number, other: number;

beforeAll(async () => {
	[admin, ops] = await Promise.all([person('admin'), person('ops')]);
	p = await project(admin, [[ops, 'operate']]);
	other = await project(admin);
});

const inP = (path: string, of = p) => `/api/projects/${String(of)}/${path}`;
const add = (path: string, body: object, of = p) => (of === p ? ops : admin).ok('POST', inP(path, of), body);
const repo = (of = p) =>
	admin.ok('POST', inP('repos', of), { provider: 'other', name: fresh('r'), url: 'https://git.example.com/x' });
const job = (of = p) => admin.ok('POST', inP('jobs', of), { title: fresh('j'), job_type: 'infra' });
const environment = (of = p) => admin.ok('POST', inP('environments', of), { name: fresh('e'), type: 'staging' });

const sources = ['uploaded', 'fs_path', 'git'] as const;
/** A document of each source. */
const bodies = async (content: string): Promise<Record<(typeof sources)[number], object>> => ({
	uploaded: { source_type: 'uploaded', content },
	fs_path: { source_type: 'fs_path', source_location: 'infra/file' },
	git: { source_type: 'git', source_location: 'infra/file', repo_id: (await repo()).id, revision: 'v1.2' },
});
const badPlaces = ['../x', '/etc/passwd', 'a/../../b', '-x', 'a\u0000b', ''];

const INI = '[web]\nw[1:2] http_port=80\n[web:vars]\ndb_password=hunter2\n';
const PLAN = JSON.stringify({
	format_version: '1.2',
	terraform_version: '1.11.4',
	variables: { token: { value: 'hunter2-and-more' } },
	resource_changes: [
		{
			address: 'aws_instance.web',
			type: 'aws_instance',
			provider_name: 'aws',
			change: {
				actions: ['delete', 'create'],
				before: { ami: 'a', password: 'hunter2-and-more' },
				after: { ami: 'b', password: 'hunter3-and-more' },
				before_sensitive: {},
				after_sensitive: { password: true },
				replace_paths: [['ami']],
			},
		},
	],
});

describe('7.1 Inventory', () => {
	const fields = {
		project_id: 'int',
		source_type: sources,
		source_location: 'str',
		summary: 'str?',
		groups_json: 'json',
	} as const;

	it('has every field, from every source', async () => {
		for (const [source_type, body] of Object.entries(await bodies(INI))) {
			const row = await add('inventories', { ...body, summary: 'All of it' });
			expectFields(row, fields);
			expect(row).toMatchObject({ source_type, summary: 'All of it' });
			expect(await ops.ok('GET', `/api/inventories/${String(idOf(row))}`)).toEqual(row);
		}
	});

	it('is parsed to what ansible-inventory prints; lists go without it', async () => {
		const row = await add('inventories', { source_type: 'uploaded', content: INI, source_location: 'hosts.ini' });
		expect(row).toMatchObject({ format: 'ini', host_count: 2, group_count: 3, size: INI.length });
		expect(row.groups_json).toEqual({
			_meta: {
				hostvars: { w1: { http_port: 80, db_password: 'hunter2' }, w2: { http_port: 80, db_password: 'hunter2' } },
			},
			all: { children: ['ungrouped', 'web'] },
			web: { hosts: ['w1', 'w2'] },
		});
		const { items } = await ops.ok('GET', inP('inventories?q=hosts.ini'));
		expect(items).toMatchObject([{ id: row.id, host_count: 2 }]);
		expect(JSON.stringify(items)).not.toMatch(/groups_json|hunter2/);

		const at = `/api/inventories/${String(idOf(row))}`;
		const text = await ops.call('GET', `${at}/content`);
		expect(text.body.text).toBe(INI);
		expect(text.headers.get('content-type')).toContain('text/plain');
		const later = await ops.ok('PATCH', at, { content: 'all:\n  hosts:\n    a:\n', format: 'yaml' }, ifMatch(row));
		expect(later).toMatchObject({ format: 'yaml', host_count: 1, version: 2 });
		const { items: said } = await admin.ok('GET', `/api/audit?object_type=Inventory&object_id=${String(idOf(row))}`);
		expect(said).toHaveLength(2);
		expect(JSON.stringify(said)).not.toContain('hunter2');
		expect((await ops.call('DELETE', at, { headers: ifMatch(later) })).status).toBe(204);
	});

	it('with a path, may bring its text along', async () => {
		const body = (await bodies(INI)).git;
		expect(await add('inventories', { ...body, content: INI })).toMatchObject({ host_count: 2, revision: 'v1.2' });
		expect(await add('inventories', body)).toMatchObject({ host_count: 0, sha256: null, size: null });
	});

	it('27: what cannot be read is refused with its line, and nothing is kept', async () => {
		const before = await env.STORE.list({ prefix: `inventories/${String(p)}/` });
		await expectRefused(ops, inP('inventories'), [
			...['[web', '[a:children]\nnone', 'h x', 'h[1:99999]', ''].map(
				(content) => [{ source_type: 'uploaded', content }, 'content'] as const,
			),
			[{ source_type: 'uploaded', content: 'a: &a [*a]', format: 'yaml' }, 'content'],
			[{ source_type: 'uploaded' }, 'content'],
			[{ source_type: 'uploaded', content: `# ${'x'.repeat(1_048_576)}` }, 'content'],
			[{ source_type: 'ftp' }, 'source_type'],
			[{ source_type: 'uploaded', content: 'h', groups_json: {} }, ''],
		]);
		expect((await env.STORE.list({ prefix: `inventories/${String(p)}/` })).objects).toHaveLength(before.objects.length);
	});

	it('2 42: lies under a root, in a repository of its own project', async () => {
		const mine = await repo();
		await expectRefused(ops, inP('inventories'), [
			...badPlaces.map((source_location) => [{ source_type: 'fs_path', source_location }, 'source_location'] as const),
			...badPlaces.map(
				(source_location) => [{ source_type: 'git', repo_id: mine.id, source_location }, 'source_location'] as const,
			),
			[{ source_type: 'git', source_location: 'x', repo_id: (await repo(other)).id }, 'repo_id'],
			[{ source_type: 'git', source_location: 'x', repo_id: mine.id, revision: '--exec=id' }, 'revision'],
		]);
	});
});

describe('7.2 TerraformPlan', () => {
	const fields = {
		project_id: 'int',
		job_id: 'int?',
		source_type: sources,
		source_location: 'str',
		summary: 'str?',
		raw_plan_path: 'str?',
	} as const;

	it('has every field, from every source', async () => {
		for (const [source_type, body] of Object.entries(await bodies(PLAN))) {
			const row = await add('terraform-plans', { ...body, summary: 'To staging' });
			expectFields(row, fields);
			expect(row).toMatchObject({ source_type, summary: 'To staging' });
			expect(await ops.ok('GET', `/api/terraform-plans/${String(idOf(row))}`)).toEqual(row);
		}
	});

	it('46: is counted and compared, and holds no secret anywhere', async () => {
		const mine = await job();
		const row = await add('terraform-plans', { source_type: 'uploaded', content: PLAN, job_id: mine.id });
		expect(row).toMatchObject({
			terraform_version: '1.11.4',
			counts: { create: 0, update: 0, replace: 1, delete: 0, read: 0, 'no-op': 0 },
			resource_changes: [{ address: 'aws_instance.web', action: 'replace' }],
		});
		const at = `/api/terraform-plans/${String(idOf(row))}`;
		const diff = await ops.ok('GET', `${at}/diff`);
		expect(diff).toMatchObject({
			resource_changes: [
				{
					address: 'aws_instance.web',
					attributes: [
						{ path: 'ami', before: 'a', after: 'b', forces_replacement: true },
						{ path: 'password', before: null, after: null, sensitive: true },
					],
				},
			],
		});
		const kept = await (await env.STORE.get(String(row.raw_plan_path)))?.text();
		expect(kept).toContain('aws_instance.web');
		for (const all of [kept, JSON.stringify([row, diff])]) expect(all).not.toMatch(/hunter/);

		expect(await admin.call('DELETE', `/api/jobs/${String(idOf(mine))}`, { headers: ifMatch(mine) })).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('plans') },
		});
		const later = await ops.ok('PATCH', at, { job_id: null, summary: 'x' }, ifMatch(row));
		expect(later).toMatchObject({ job_id: null, version: 2 });
		expect((await ops.call('DELETE', at, { headers: ifMatch(later) })).status).toBe(204);
	});

	it('2: what is no plan, has a path of its own making, or a job of another project is refused', async () => {
		await expectRefused(ops, inP('terraform-plans'), [
			...['{}', 'x', '[]', '{"format_version":"9.0"}'].map(
				(content) => [{ source_type: 'uploaded', content }, 'content'] as const,
			),
			[{ source_type: 'uploaded', content: PLAN, raw_plan_path: 'plans/1/x' }, ''],
			[{ source_type: 'uploaded', content: PLAN, job_id: (await job(other)).id }, 'job_id'],
			...badPlaces.map((source_location) => [{ source_type: 'fs_path', source_location }, 'source_location'] as const),
		]);
	});
});

describe('7.3 Cluster', () => {
	const fields = {
		project_id: 'int',
		name: 'str',
		kubeconfig_ref: 'str',
		environment_id: 'int?',
		api_server_url: 'str?',
	} as const;
	const cluster = (more: object = {}) =>
		add('clusters', { name: fresh('k'), kubeconfig_ref: 'vault:kv2/k8s/prod#config', ...more });

	it('has every field, and can be changed', async () => {
		const place = await environment();
		const row = await cluster({ environment_id: place.id, api_server_url: 'https://k8s.example.com:6443' });
		expectFields(row, fields);
		expectFields(await cluster(), fields);
		const at = `/api/clusters/${String(idOf(row))}`;
		expect(
			await admin.call('DELETE', `/api/environments/${String(idOf(place))}`, { headers: ifMatch(place) }),
		).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('clusters') },
		});
		const later = await ops.ok('PATCH', at, { environment_id: null }, ifMatch(row));
		expect(later).toMatchObject({ environment_id: null, version: 2 });
		expect((await ops.ok('GET', inP('clusters?q=k8s.example'))).items).toEqual([later]);
		expect((await ops.call('DELETE', at, { headers: ifMatch(later) })).status).toBe(204);
	});

	it('2 13 46: takes a reference and https, and an environment of its own project', async () => {
		const one = { name: 'k', kubeconfig_ref: 'env:KUBECONFIG' };
		await expectRefused(ops, inP('clusters'), [
			[{ name: 'k' }, 'kubeconfig_ref'],
			[{ ...one, kubeconfig_ref: 'apiVersion: v1\nkind: Config' }, 'kubeconfig_ref'],
			...['http://k8s', 'javascript:alert(1)', 'https://user:pw@k8s.example.com', 'k8s.example.com'].map(
				(api_server_url) => [{ ...one, api_server_url }, 'api_server_url'] as const,
			),
			[{ ...one, environment_id: (await environment(other)).id }, 'environment_id'],
		]);
	});
});

describe('9.2 MetricRef', () => {
	const fields = { project_id: 'int', incident_id: 'int?', label: 'str', url: 'str' } as const;
	const incident = (project_id = p) =>
		insert('incidents', { project_id, title: 'x', severity: 'low', detected_at: Date.now() });

	it('has every field, with an incident or without, and can be changed', async () => {
		const row = await add('metric-refs', { label: 'Latency', url: 'https://grafana.example.com/d/1?from=now-1h' });
		expectFields(row, fields);
		const incident_id = await incident();
		const at = `/api/metric-refs/${String(idOf(row))}`;
		const later = await ops.ok('PATCH', at, { incident_id }, ifMatch(row));
		expectFields(later, fields);
		expect((await ops.ok('GET', inP(`metric-refs?incident_id=${String(incident_id)}`))).items).toEqual([later]);
		expect((await ops.call('DELETE', at, { headers: ifMatch(later) })).status).toBe(204);
	});

	it('2 13: is https, and of an incident of its own project', async () => {
		await expectRefused(ops, inP('metric-refs'), [
			...['http://grafana', 'javascript:alert(1)', 'data:text/html,x', '//grafana', 'https://u:p@g.example'].map(
				(url) => [{ label: 'x', url }, 'url'] as const,
			),
			[{ label: 'x', url: 'https://g.example', incident_id: await incident(other) }, 'incident_id'],
			[{ label: '', url: 'https://g.example' }, 'label'],
		]);
	});
});

describe('lists', () => {
	it('23: page by keyset to their end, and refuse what is no field', async () => {
		const q = await project(admin, [[ops, 'operate']]);
		for (let n = 0; n < 5; n++)
			await admin.ok('POST', inP('metric-refs', q), { label: `m${String(n)}`, url: 'https://g.example' });
		const seen: Answer['body'][] = [];
		let next = '';
		do {
			const page = await ops.ok('GET', `${inP('metric-refs', q)}?limit=2&sort=-label${next && `&cursor=${next}`}`);
			seen.push(...(page.items as Answer['body'][]));
			next = typeof page.next_cursor === 'string' ? page.next_cursor : '';
		} while (next !== '');
		expect(seen.map(({ label }) => label)).toEqual(['m4', 'm3', 'm2', 'm1', 'm0']);
		for (const list of ['repos', 'changes', 'inventories', 'terraform-plans', 'clusters', 'metric-refs'])
			for (const query of ['sort=url;drop', 'limit=0', 'unknown=1', 'cursor=x'])
				expect((await ops.call('GET', `${inP(list)}?${query}`)).status, `${list} ${query}`).toBe(400);
	});
});
