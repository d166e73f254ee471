// What a job's targets become: the hosts of an ssh run, the inventory of a playbook, and what is refused.
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RunSpec } from '#protocol/run-spec.ts';
import { decodeBlob, toHex } from '#protocol/run-frames.ts';
import { liveOf } from '#worker/live.ts';
import { loadDispatches } from '#worker/services/runs/spec.ts';
import { type Caller, ctxFor, fresh, idOf, person, project } from './api-world.ts';
import { becomes, enrolled, runOf, TestAgent } from './live-world.ts';

const INI = `[web]
web1 ansible_host=10.0.0.1 ansible_port=2222
web2.example ansible_user=deploy
[db]
db1 ansible_host=2001:db8::1
`;
const SSH = { execution_backend: 'ssh', execution_backend_config: { user: 'root', key_ref: 'env:KEY' } };

let admin: Caller;
let p: number;
let inventory: number;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
	inventory = await inventoryOf(INI);
});

const at = (path: string) => `/api/projects/${String(p)}/${path}`;
const inventoryOf = async (content: string, name = 'hosts.ini'): Promise<number> =>
	idOf(await admin.ok('POST', at('inventories'), { source_type: 'uploaded', source_location: name, content }));

async function scripts(...tools: string[]): Promise<number[]> {
	const made = tools.map((tool) =>
		admin.ok('POST', at('scripts'), {
			tool,
			name: fresh('script'),
			location_type: 'uploaded',
			content: '- hosts: all\n',
		}),
	);
	return (await Promise.all(made)).map(idOf);
}

const jobOf = async (fields: object, tools = ['shell']): Promise<number> =>
	idOf(
		await admin.ok('POST', at('jobs'), {
			title: fresh('job'),
			job_type: 'ops',
			script_ids: await scripts(...tools),
			...fields,
		}),
	);
const targets = (limit: string | null = null, more: object = {}) => ({
	targets: { inventory_id: inventory, limit, ...more },
});
const start = async (job_id: number, body: object = {}) =>
	admin.call('POST', `/api/jobs/${String(job_id)}/runs`, { body });

async function specOf(run_id: number): Promise<RunSpec> {
	const ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { live: liveOf(env) });
	const spec = (await loadDispatches(ctx, [run_id])).get(run_id)?.spec;
	if (!spec) throw new Error('there is no spec');
	return spec;
}

describe('a run by ssh', () => {
	it('is for the hosts its inventory names, where its variables say', async () => {
		const run = await runOf(admin, await jobOf({ ...SSH, ...targets() }));
		const { execution, inventory: sent } = await specOf(run);
		expect(execution).toMatchObject({
			backend: 'ssh',
			config: {
				user: 'root',
				hosts: [
					{ name: 'web1', address: '10.0.0.1', port: 2222 },
					{ name: 'web2.example', address: 'web2.example', user: 'deploy' },
					{ name: 'db1', address: '2001:db8::1' },
				],
			},
		});
		expect(sent).toBeUndefined();
	});

	it('is for those that its limit means, or that were chosen', async () => {
		const parameters_schema = [{ name: 'WHERE', type: 'hosts' }];
		const job = await jobOf({ ...SSH, ...targets('web:!web1'), parameters_schema });
		expect((await specOf(await runOf(admin, job))).execution).toMatchObject({
			config: { hosts: [{ name: 'web2.example' }] },
		});
		const all = await jobOf({ ...SSH, ...targets(), parameters_schema });
		const chosen = await start(all, { parameters: { WHERE: 'db1, web1' } });
		expect(chosen.body).toMatchObject({ hosts: ['db1', 'web1'] });
		expect((await specOf(idOf(chosen.body))).hosts).toEqual(['db1', 'web1']);
		expect(await start(all, { parameters: { WHERE: 'db1,db2' } })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'parameters.WHERE', message: "The host db2 is none of the job's targets." }] },
		});
		expect((await start(job, { parameters: { WHERE: 'web1' } })).status).toBe(400);
	});

	it('is for the hosts of the configuration where there are no targets; and targets cannot leave them', async () => {
		const config = { ...SSH.execution_backend_config, hosts: ['10.0.0.1', 'WEB2.example'] };
		const fenced = { ...SSH, execution_backend_config: config };
		const plain = await runOf(admin, await jobOf(fenced));
		expect((await specOf(plain)).execution).toMatchObject({
			config: { hosts: [{ name: '10.0.0.1', address: '10.0.0.1' }, { name: 'WEB2.example' }] },
		});
		expect((await start(await jobOf({ ...fenced, ...targets('web') }))).status).toBe(201);
		expect(await start(await jobOf({ ...fenced, ...targets() }))).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('db1 (2001:db8::1) is not among the hosts') as string },
		});
	});
});

describe('a playbook', () => {
	it('gets the inventory as a document, with the limit, sent like a script', async () => {
		const job = await jobOf({ ...targets('web', { key_ref: 'env:ANSIBLE_KEY' }) }, ['ansible']);
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const run_id = idOf((await start(job, { check: true })).body);
		const { spec } = await agent.next('offer');
		const { inventory: sent, check, execution } = spec as RunSpec;
		expect(sent).toEqual({
			sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
			size: INI.length,
			format: 'ini',
			limit: 'web',
			key_ref: 'env:ANSIBLE_KEY',
		});
		expect(check).toBe(true);
		expect(execution).toEqual({ backend: 'local', config: {} });
		agent.say({ type: 'accept', run_id, epoch: 1, need: [sent?.sha256 ?? ''] });
		await agent.next('grant');
		const blobs = agent.socket.messages.flatMap((m) => (typeof m === 'string' ? [] : [decodeBlob(m)]));
		expect(blobs.map((b) => [toHex(b.sha256), new TextDecoder().decode(b.payload)])).toEqual([[sent?.sha256, INI]]);
	});

	it('is refused without targets, with a backend that is none for it, and to be checked beside what is none', async () => {
		const say = (job: number, body = {}) => start(job, body).then(({ status, body: { detail } }) => [status, detail]);
		expect(await say(await jobOf({}, ['ansible']))).toEqual([
			409,
			'The job has no targets: a playbook needs an inventory.',
		]);
		expect(await say(await jobOf({ ...SSH, ...targets() }, ['ansible']))).toMatchObject([
			409,
			/^A playbook reaches its hosts/,
		]);
		for (const tools of [['shell'], ['ansible', 'shell']])
			expect((await start(await jobOf(targets(), tools), { check: true })).status).toBe(400);
	});
});

describe('40: a playbook and what Ansible would take for more than text', () => {
	it('40: is refused by the name of the parameter, and nothing waits', async () => {
		const TEXT = "{{ lookup('pipe', 'id') }}";
		for (const [fields, parameters, name] of [
			[{}, { ansible_python_interpreter: 'id' }, 'ansible_python_interpreter'],
			[{ arguments: ['-u', '{{TEXT}}'] }, { TEXT }, 'TEXT'],
			[{ arguments: ['-e', 'a={{TEXT}}'] }, { TEXT: 'b ansible_connection=local' }, 'TEXT'],
		] as const) {
			const job = await jobOf({ ...targets(), ...fields }, ['ansible']);
			const answer = await start(job, { parameters });
			expect(answer, name).toMatchObject({ status: 400, body: { errors: [{ path: `parameters.${name}` }] } });
			expect((await admin.ok('GET', `/api/runs?job_id=${String(job)}`)).items).toEqual([]);
		}
		expect((await start(await jobOf(targets(), ['ansible']), { parameters: { TEXT } })).status).toBe(201);
	});
});

describe('targets that cannot be aimed at', () => {
	const refused = async (fields: object, tools?: string[]) => {
		const { status, body } = await start(await jobOf({ ...SSH, ...fields }, tools));
		expect(status).toBe(409);
		return body.detail as string;
	};

	it('are refused when they are asked for, each with its sentence', async () => {
		expect(await refused({})).toBe('The job has no targets, and the configuration for ssh names no hosts.');
		expect(await refused(targets('nowhere'))).toBe('The limit nowhere means no host.');
		expect(await refused(targets('~web.*'))).toMatch(/^The limit ~web\.\* cannot be followed: regular expressions/);
		const place = await admin.ok('POST', at('inventories'), { source_type: 'fs_path', source_location: 'hosts.ini' });
		inventory = idOf(place);
		expect(await refused(targets())).toMatch(/only the place is known/);
		inventory = await inventoryOf('h[1:501]');
		expect(await refused(targets())).toBe('The inventory means 501 hosts; a run takes 500 at most.');
		inventory = await inventoryOf('h[1:400]');
		expect(await refused(targets(), ['shell', 'shell', 'custom'])).toMatch(
			/^400 hosts with 3 scripts each are more than the 1000/,
		);
		inventory = await inventoryOf('h1 ansible_host=-oProxyCommand=x');
		expect(await refused(targets())).toMatch(/^The host "h1" cannot be reached: its address is not one/);
		inventory = await inventoryOf('h1 ansible_host="{{ lookup() }}"');
		expect(await refused(targets())).toMatch(/its address/);
		inventory = await inventoryOf('h1 ansible_user=-l');
		expect(await refused(targets())).toMatch(/its user/);
		inventory = await inventoryOf('h1 ansible_port=ssh');
		expect(await refused(targets())).toMatch(/its port/);
	});

	it('end the run where they have gone, or changed, since it was asked for', async () => {
		const parameters_schema = [{ name: 'WHERE', type: 'hosts' }];
		const job = await jobOf({ ...targets(), parameters_schema }, ['ansible']);
		const waits = await runOf(admin, job);
		const chosen = idOf((await start(job, { parameters: { WHERE: 'db1' } })).body);
		await becomes(waits, { reason: expect.stringContaining('no_agent') });
		const row = await admin.call('GET', `/api/inventories/${String(inventory)}`);
		await admin.ok(
			'PATCH',
			`/api/inventories/${String(inventory)}`,
			{ content: 'web1\n' },
			{ 'if-match': row.headers.get('etag') ?? '' },
		);
		await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		await becomes(chosen, { status: 'failed', reason: expect.stringContaining('inventory_missing') });
		await becomes(chosen, { reason: expect.stringContaining('The host db1 is none') });
		const again = await runOf(admin, await jobOf({ ...SSH, ...targets() }));
		await env.DB.prepare('update inventories set sha256 = null where id = ?').bind(inventory).run();
		await env.PROJECT_ROOM.getByName(String(p)).queued(again);
		await becomes(again, { status: 'failed', reason: expect.stringContaining('only the place is known') });
	});
});

describe('a run in a cluster', () => {
	const inCluster = (cluster: string) => ({
		execution_backend: 'k8s',
		execution_backend_config: { cluster, namespace: 'runs', image: 'registry.example/tool:1' },
	});
	const clusterOf = (name: string, more: object = {}) =>
		admin.ok('POST', at('clusters'), { name, kubeconfig_ref: 'vault:kv2/k8s/prod#config', ...more });

	it("is told how the project's cluster of that name is reached", async () => {
		await clusterOf('prod', { api_server_url: 'https://k8s.example:6443' });
		const { execution } = await specOf(await runOf(admin, await jobOf(inCluster('prod'))));
		expect(execution).toEqual({
			backend: 'k8s',
			config: {
				cluster: 'prod',
				namespace: 'runs',
				image: 'registry.example/tool:1',
				kubeconfig_ref: 'vault:kv2/k8s/prod#config',
				api_server_url: 'https://k8s.example:6443',
			},
		});
	});

	it('2: is refused where there is no such cluster, or only in another project or environment; and one that goes ends what waits', async () => {
		const elsewhere = await project(admin);
		await admin.ok('POST', `/api/projects/${String(elsewhere)}/clusters`, { name: 'far', kubeconfig_ref: 'env:KUBE' });
		const none = { status: 409, body: { detail: 'The project has no cluster far.' } };
		expect(await start(await jobOf(inCluster('far')))).toMatchObject(none);
		const environment_id = idOf(await admin.ok('POST', at('environments'), { name: 'lab', type: 'dev' }));
		const cluster = idOf(await clusterOf('mine', { environment_id }));
		const job = await jobOf(inCluster('mine'));
		expect(await start(job)).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('another environment') },
		});
		const run = idOf((await start(job, { environment_id })).body);
		await admin.ok('DELETE', `/api/clusters/${String(cluster)}`, undefined, { 'if-match': '"v1"' });
		const ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } }, { live: liveOf(env) });
		expect((await loadDispatches(ctx, [run])).get(run)).toMatchObject({
			spec: null,
			end: { status: 'failed', reason: { code: 'cluster_unavailable', message: 'The project has no cluster mine.' } },
		});
	});
});
