import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, insert, person, project } from './api-world.ts';
import { expectFields, expectRefused, ifMatch } from './source-world.ts';

// Projects and environments against the source's own table of fields and values, and how they are set up and let go of.

let admin: Caller, owner: Caller, dev: Caller, ops: Caller, stranger: Caller;
let p: number;

beforeAll(async () => {
	[admin, owner, dev, ops, stranger] = await Promise.all([
		person('admin'),
		person('projets'),
		person('dev'),
		person('ops'),
		person('dev'),
	]);
	p = await project(owner, [
		[dev, 'contribute'],
		[ops, 'manage'],
	]);
});

const at = (id: number, rest = '') => `/api/projects/${String(id)}${rest}`;
const edit = async (id: number, body: object, who = owner) =>
	who.call('PATCH', at(id), { body, headers: ifMatch(await who.ok('GET', at(id))) });
const remove = async (id: number, who = owner) =>
	who.call('DELETE', at(id), { headers: ifMatch(await who.ok('GET', at(id))) });
const auditOf = async (type: string, id: number) =>
	(await admin.ok('GET', `/api/audit?object_type=${type}&object_id=${String(id)}`)).items as {
		action: string;
		metadata: Record<string, unknown>;
	}[];

/** A configuration of each backend that is whole. */
const whole: Record<string, Record<string, unknown>> = {
	local: { cwd: '/srv', env: { TZ: 'UTC' }, limits: { memory_mib: 512 } },
	docker: {
		image: `registry.example.org:5000/team/tool:1.2@sha256:${'a'.repeat(64)}`,
		cpus: 1.5,
		memory_mib: 512,
		pids: 100,
		network: 'none',
		user: '1000:1000',
		writable_root: false,
		env: { A: 'b' },
	},
	webhook: {
		url: 'https://hooks.example.org/deploy?x=1',
		method: 'POST',
		headers: { 'X-Team': 'infra' },
		secret_ref: 'hub:deploy',
		expected_status: 202,
		timeout_s: 30,
	},
	ssh: {
		hosts: ['web-1.example.org', '192.168.1.4', 'fe80::1'],
		user: 'deploy',
		port: 2222,
		key_ref: 'file:/etc/uhub/id_ed25519',
		jump: { host: 'bastion.example.org', user: 'jump', port: 22 },
		parallel: 5,
	},
	k8s: {
		cluster: 'prod',
		namespace: 'jobs',
		image: 'alpine:3',
		requests: { cpu: '250m', memory: '64Mi' },
		limits: { cpu: '1.5', memory: '2Gi' },
	},
	serverless: {
		provider: 'lambda',
		url: 'https://a1b2c3.lambda-url.eu-west-1.on.aws/',
		secret_ref: 'hub:lambda',
		timeout_s: 900,
	},
};

describe('3.1 Project', () => {
	const fields = {
		name: 'str',
		description: 'str?',
		color: 'str',
		status: ['active', 'archived', 'paused'],
		owner_id: 'int',
	} as const;
	const backends = ['local', 'docker', 'webhook', 'ssh', 'k8s', 'serverless'] as const;

	it('has every field, with each backend and its whole configuration', async () => {
		for (const execution_backend of [null, ...backends]) {
			const execution_backend_config = execution_backend === null ? null : whole[execution_backend];
			const made = await owner.ok('POST', '/api/projects', {
				name: fresh('p'),
				color: '#00ff00',
				execution_backend,
				execution_backend_config,
			});
			expectFields(made, fields);
			expect(made).toMatchObject({ color: '#00ff00', execution_backend, execution_backend_config, owner_id: owner.id });
			expect(await owner.ok('GET', at(idOf(made)))).toEqual(made);
		}
		expect(Object.keys(whole)).toEqual(backends);
	});

	it('takes each status, and keeps its meaning: paused starts nothing, archived changes nothing', async () => {
		const mine = await project(owner);
		const script = await admin.ok('POST', at(mine, '/scripts'), {
			tool: 'shell',
			name: 's',
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await owner.ok('POST', at(mine, '/jobs'), { title: 'j', job_type: 'dev', script_ids: [script.id] });
		for (const status of ['paused', 'archived', 'active'] as const) {
			const answer = await edit(mine, { status });
			expectFields(answer.body, fields);
			const run = await owner.call('POST', `/api/jobs/${String(idOf(job))}/runs`, { body: {} });
			expect(run.status, status).toBe(status === 'active' ? 201 : 409);
			const environment = await owner.call('POST', at(mine, '/environments'), {
				body: { name: fresh('e'), type: 'dev' },
			});
			expect(environment.status, status).toBe(status === 'archived' ? 409 : 201);
			const freeze = {
				project_id: mine,
				title: 'f',
				reason: 'r',
				start: '2030-01-01T00:00:00Z',
				end: '2030-01-02T00:00:00Z',
			};
			expect((await owner.call('POST', '/api/freezes', { body: freeze })).status, status).toBe(
				status === 'archived' ? 409 : 201,
			);
		}
		expect((await edit(mine, { status: 'gone' })).status).toBe(400);
	});

	it('refuses a configuration that is not of its backend, key by key', async () => {
		const wrong: [string | null, object | null, string][] = [
			['docker', null, 'image'],
			['docker', {}, 'image'],
			['docker', { image: '--privileged' }, 'image'],
			['docker', { image: 'a b' }, 'image'],
			['docker', { image: 'alpine', network: 'host' }, 'network'],
			['docker', { image: 'alpine', user: '-u' }, 'user'],
			['docker', { image: 'alpine', env: { '1A': 'x' } }, 'env.1A'],
			['ssh', { user: 'a' }, 'key_ref'],
			['ssh', { ...whole.ssh, hosts: [] }, 'hosts'],
			['ssh', { ...whole.ssh, hosts: ['-oProxyCommand=x'] }, 'hosts.0'],
			['ssh', { ...whole.ssh, hosts: ['root@a'] }, 'hosts.0'],
			['ssh', { ...whole.ssh, hosts: ['a', 'a'] }, 'hosts'],
			['ssh', { ...whole.ssh, key_ref: '-----BEGIN OPENSSH PRIVATE KEY-----' }, 'key_ref'],
			['ssh', { ...whole.ssh, user: '-l' }, 'user'],
			['ssh', { ...whole.ssh, port: 70_000 }, 'port'],
			['k8s', { ...whole.k8s, namespace: 'Kube System' }, 'namespace'],
			['k8s', { ...whole.k8s, limits: { cpu: '-1' } }, 'limits.cpu'],
			['webhook', { ...whole.webhook, secret_ref: 'hunter2' }, 'secret_ref'],
			['webhook', { ...whole.webhook, secret_ref: 'env:KEY' }, 'secret_ref'],
			['webhook', { ...whole.webhook, via: 'agent' }, 'secret_ref'],
			['webhook', { ...whole.webhook, method: 'DELETE' }, 'method'],
			['webhook', { ...whole.webhook, headers: { 'Webhook-Signature': 'v1,x' } }, 'headers.Webhook-Signature'],
			['webhook', { ...whole.webhook, headers: { Authorization: 'Bearer x' } }, 'headers.Authorization'],
			['webhook', { ...whole.webhook, headers: { 'X-Api-Key': 'x' } }, 'headers.X-Api-Key'],
			['webhook', { ...whole.webhook, headers: { 'X-A': 'a\r\nb: c' } }, 'headers.X-A'],
			['serverless', { ...whole.serverless, provider: 'mine' }, 'provider'],
			['serverless', { ...whole.serverless, url: 'https://a.lambda-url.eu-west-1.on.aws.evil.org/' }, 'url'],
			['serverless', { ...whole.serverless, secret_ref: 'env:KEY' }, 'secret_ref'],
			[null, { image: 'x' }, ''],
		];
		for (const key of ['privileged', 'binds', 'volumes', 'devices', 'cap_add', 'pid', 'ipc'])
			wrong.push(['docker', { image: 'alpine', [key]: true }, '']);
		for (const key of ['service_account', 'host_network', 'host_path'])
			wrong.push(['k8s', { ...whole.k8s, [key]: 'x' }, '']);
		await expectRefused(
			owner,
			'/api/projects',
			wrong.map(
				([execution_backend, execution_backend_config, path]) =>
					[
						{ name: 'never', execution_backend, execution_backend_config },
						['execution_backend_config', path].filter(Boolean).join('.'),
					] as const,
			),
		);
	});

	it('30: takes no address of a private network, however it is spelt; 13: nor anything but https', async () => {
		const hosts = [
			...['localhost', 'a.localhost', 'hub', 'db.internal', 'nas.local', 'x.home.arpa', 'localhost.'],
			...['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0'],
			...['2130706433', '0x7f000001', '0177.0.0.1', '127.1', '224.0.0.1', '255.255.255.255'],
			...[
				'[::1]',
				'[::]',
				'[fe80::1]',
				'[fd00::1]',
				'[::ffff:10.0.0.1]',
				'[64:ff9b::a00:1]',
				'[2002:a00:1::]',
				'[ff02::1]',
			],
		].map((host) => `https://${host}/hook`);
		const schemes = [
			'http://example.org/',
			'javascript:alert(1)',
			'data:,x',
			'file:///etc/passwd',
			'ftp://example.org',
		];
		const other = ['https://user:pw@example.org/', 'https://', 'example.org', 'https://example.org/\n'];
		await expectRefused(
			owner,
			'/api/projects',
			[...hosts, ...schemes, ...other].flatMap((url) =>
				(['webhook', 'serverless'] as const).map(
					(execution_backend) =>
						[
							{ name: 'never', execution_backend, execution_backend_config: { ...whole[execution_backend], url } },
							'execution_backend_config.url',
						] as const,
				),
			),
		);
		for (const url of ['https://8.8.8.8/x', 'https://[2606:4700::1111]/', 'https://hooks.example.org:8443/a'])
			expect(
				(await edit(p, { execution_backend: 'webhook', execution_backend_config: { ...whole.webhook, url } })).status,
				url,
			).toBe(200);
	});

	it('does not keep the configuration of another backend', async () => {
		const mine = await project(owner);
		await edit(mine, { execution_backend: 'docker', execution_backend_config: whole.docker });
		expect(await edit(mine, { execution_backend: 'ssh' })).toMatchObject({
			status: 400,
			body: { code: 'invalid' },
		});
		expect((await edit(mine, { execution_backend: 'ssh', execution_backend_config: whole.ssh })).status).toBe(200);
	});
});

describe('letting go of a project', () => {
	it('takes its settings along when nothing is in it', async () => {
		const mine = await project(owner, [[dev, 'contribute']]);
		const environment = await owner.ok('POST', at(mine, '/environments'), { name: 'prod', type: 'prod' });
		await owner.ok('POST', '/api/freezes', {
			project_id: mine,
			environment_id: environment.id,
			title: 'f',
			reason: 'r',
			start: '2030-01-01T00:00:00Z',
			end: '2030-01-02T00:00:00Z',
		});
		// Whoever deletes it has it open.
		await env.DB.prepare('insert into watches (user_id, project_id, at) values (?, ?, ?)')
			.bind(owner.id, mine, Date.now())
			.run();
		expect((await remove(mine)).status).toBe(204);
		expect((await owner.call('GET', at(mine))).status).toBe(404);
		for (const table of ['environments', 'freezes', 'project_groups', 'watches'])
			expect(
				await env.DB.prepare(`select count(*) as n from ${table} where project_id = ?`).bind(mine).first('n'),
				table,
			).toBe(0);
		expect((await auditOf('Project', mine))[0]).toMatchObject({ action: 'project.delete' });
	});

	it('says what is in it, and keeps it', async () => {
		const mine = await project(owner);
		await owner.ok('POST', at(mine, '/jobs'), { title: 'j', job_type: 'meeting' });
		await owner.ok('POST', at(mine, '/events'), { title: 'e', start: '2026-12-01T08:00:00Z' });
		await owner.ok('POST', at(mine, '/incidents'), { title: 'i' });
		await insert('agents', {
			name: fresh('agent'),
			public_key: fresh('k'),
			fingerprint: fresh('f'),
			project_ids: JSON.stringify([p, mine]),
		});
		const answer = await remove(mine);
		expect(answer).toMatchObject({ status: 409, body: { code: 'conflict' } });
		const hanging = (answer.body.errors as { path: string; message: string }[]).map((e) => [e.path, e.message]);
		expect(Object.fromEntries(hanging)).toEqual({ jobs: '1', events: '1', incidents: '1', agents: '1' });
		expect((await owner.call('GET', at(mine))).status).toBe(200);
	});

	it('looks at every table that names a project', async () => {
		const { results } = await env.DB.prepare(
			`select distinct m.name from sqlite_master m, pragma_foreign_key_list(m.name) f
				where m.type = 'table' and f."table" = 'projects' and f.on_delete <> 'CASCADE' and m.name <> 'environments'`,
		).all<{ name: string }>();
		const mine = await project(owner);
		const { counts } = await hanging(mine);
		for (const { name } of results) expect(Object.keys(counts), name).toContain(name);
	});

	it('needs the version that was read', async () => {
		const mine = await project(owner);
		expect((await owner.call('DELETE', at(mine))).status).toBe(428);
		expect((await owner.call('DELETE', at(mine), { headers: { 'if-match': '"v9"' } })).status).toBe(412);
	});
});

describe('handing a project over', () => {
	const to = (call: Caller, id: number, owner_id: number) =>
		call.call('POST', at(id, '/owner'), { body: { owner_id } });

	it('gives another person all that goes with it, and takes it from the one before; it is audited', async () => {
		const mine = await project(owner);
		const next = await person('projets');
		expect((await next.call('GET', at(mine))).status).toBe(404);
		expect(await to(owner, mine, next.id)).toMatchObject({ status: 200, body: { owner_id: next.id, version: 2 } });
		expect(await next.ok('GET', at(mine))).toMatchObject({ access: 'manage' });
		expect((await owner.call('GET', at(mine))).status).toBe(404);
		expect((await to(owner, mine, owner.id)).status).toBe(404);
		expect((await auditOf('Project', mine))[0]).toMatchObject({
			action: 'project.hand_over',
			metadata: { changes: { owner_id: { from: owner.id, to: next.id } } },
		});
	});

	it('is to an active person whose role may own one, also of an archived project', async () => {
		const mine = await project(owner);
		const left = await person('projets');
		await env.DB.prepare('update users set is_active = 0 where id = ?').bind(left.id).run();
		const refused = { status: 400, body: { errors: [{ path: 'owner_id' }] } };
		for (const id of [dev.id, left.id, 999_999]) expect(await to(owner, mine, id)).toMatchObject(refused);
		expect((await to(stranger, mine, owner.id)).status).toBe(404);
		// 3: it is no field of the project's.
		const patched = await edit(mine, { owner_id: admin.id });
		expect(patched.status).toBe(400);
		expect(JSON.stringify(patched.body.errors)).toContain('owner_id');
		await env.DB.prepare("update projects set status = 'archived' where id = ?").bind(mine).run();
		expect(await to(admin, mine, admin.id)).toMatchObject({ status: 200, body: { owner_id: admin.id } });
	});
});

/** What the verb counts. */
async function hanging(id: number): Promise<{ counts: Record<string, number> }> {
	const [{ connect, projects }, { hangingOn }] = await Promise.all([
		import('#worker/db/client.ts'),
		import('#worker/services/hanging.ts'),
	]);
	const [row] = await connect(env.DB)
		.select({ counts: hangingOn(projects, id).counts })
		.from(projects)
		.limit(1);
	return { counts: JSON.parse(row?.counts ?? '{}') as Record<string, number> };
}

describe('3.2 Environment', () => {
	const fields = {
		project_id: 'int',
		name: 'str',
		description: 'str?',
		type: ['dev', 'test', 'staging', 'prod', 'other'],
	} as const;
	const add = (body: object) => owner.ok('POST', at(p, '/environments'), { name: fresh('e'), ...body });

	it('has every field, for every type; only prod asks for an approval of its own accord', async () => {
		for (const type of fields.type) {
			const made = await add({ type, description: 'x' });
			expectFields(made, fields);
			expect(made).toMatchObject({
				type,
				protection: { requires_approval: type === 'prod', allowed_roles: [] },
				execution_backend: null,
				execution_backend_config: null,
			});
		}
	});

	it('may run elsewhere than its project, and that whole', async () => {
		const made = await add({ type: 'test', execution_backend: 'docker', execution_backend_config: whole.docker });
		expect(made).toMatchObject({ execution_backend: 'docker', execution_backend_config: whole.docker });
		const path = `/api/environments/${String(idOf(made))}`;
		expect(
			await owner.call('PATCH', path, { body: { execution_backend_config: { image: '' } }, headers: ifMatch(made) }),
		).toMatchObject({ status: 400, body: { errors: [{ path: 'execution_backend_config.image' }] } });
		await expectRefused(owner, at(p, '/environments'), [
			[{ name: 'x', type: 'qa' }, 'type'],
			[{ name: 'x', type: 'dev', execution_backend: 'docker' }, 'execution_backend_config.image'],
			[{ name: 'x', type: 'dev', execution_backend_config: { cwd: '/' } }, 'execution_backend_config'],
			[{ name: 'x', type: 'dev', protection: { requires_approval: true } }, 'protection.allowed_roles'],
		]);
		const back = await owner.ok(
			'PATCH',
			path,
			{ execution_backend: null, execution_backend_config: null },
			ifMatch(made),
		);
		expect(back).toMatchObject({ execution_backend: null, execution_backend_config: null });
		expect((await auditOf('Environment', idOf(made)))[0]?.metadata.changes).toMatchObject({
			execution_backend: { from: 'docker', to: null },
		});
	});

	it("decides by its backend, not its project's, what a run takes", async () => {
		const mine = await project(owner);
		await edit(mine, { execution_backend: 'local', execution_backend_config: { cwd: '/srv' } });
		const env = await owner.ok('POST', at(mine, '/environments'), {
			name: 'e',
			type: 'dev',
			execution_backend: 'webhook',
			execution_backend_config: whole.webhook,
		});
		const script = await admin.ok('POST', at(mine, '/scripts'), {
			tool: 'shell',
			name: 's',
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await owner.ok('POST', at(mine, '/jobs'), { title: 'j', job_type: 'dev', script_ids: [script.id] });
		const runs = `/api/jobs/${String(idOf(job))}/runs`;
		expect(await owner.call('POST', runs, { body: { environment_id: env.id } })).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('webhook') },
		});
		expect(await owner.ok('POST', runs, {})).toMatchObject({ backend: 'local' });
	});

	it('stays while something names it, and says what', async () => {
		const made = await add({ type: 'dev' });
		await owner.ok('POST', at(p, '/jobs'), { title: 'j', job_type: 'meeting', environment_id: made.id });
		expect(
			await owner.call('DELETE', `/api/environments/${String(idOf(made))}`, { headers: ifMatch(made) }),
		).toMatchObject({ status: 409, body: { errors: [{ path: 'jobs', message: '1' }] } });
	});

	it('is not there for a stranger', async () => {
		const made = await add({ type: 'dev' });
		expect((await stranger.call('GET', `/api/environments/${String(idOf(made))}`)).status).toBe(404);
	});
});
