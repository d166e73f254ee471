import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, insert, person, project } from './api-world.ts';
import { expectFields, expectRefused, ifMatch } from './source-world.ts';

let dev: Caller, admin: Caller;
let p: number, other: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'contribute']]);
	other = await project(admin);
});

const list = (of = p) => `/api/projects/${String(of)}/repos`;
const repo = (fields: object = {}, of = p) =>
	admin.ok('POST', list(of), {
		provider: 'github',
		name: fresh('r'),
		url: 'https://github.com/acme/shop.git',
		...fields,
	});
const change = async (fields: object = {}, row?: { id?: unknown }) =>
	dev.ok('POST', `/api/repos/${String((row ?? (await repo())).id)}/changes`, {
		change_type: 'commit',
		external_id: fresh('c0ffee'),
		...fields,
	});
const job = (of = p) => admin.ok('POST', `/api/projects/${String(of)}/jobs`, { title: fresh('j'), job_type: 'dev' });
const incident = (project_id = p) =>
	insert('incidents', { project_id, title: 'x', severity: 'low', detected_at: Date.now() });

describe('6.1 GitRepo', () => {
	const fields = {
		project_id: 'int',
		provider: ['github', 'gitlab', 'gitea', 'other'],
		name: 'str',
		url: 'str',
		default_branch: 'str',
		credentials_ref: 'str?',
	} as const;

	it('has every field, every provider, and can be changed', async () => {
		for (const provider of fields.provider) expectFields(await repo({ provider }), fields);
		const made = await repo({ credentials_ref: 'vault:kv2/kv/git#token', webhook_secret_ref: 'env:HOOK' });
		expect(made).toMatchObject({
			default_branch: 'main',
			credentials_ref: 'vault:kv2/kv/git#token',
			last_synced_at: null,
		});
		const at = `/api/repos/${String(idOf(made))}`;
		const later = await dev.ok('PATCH', at, { default_branch: 'trunk', credentials_ref: null }, ifMatch(made));
		expect(later).toMatchObject({ version: 2, default_branch: 'trunk', credentials_ref: null });
		expect((await dev.call('PATCH', at, { body: { name: 'x' }, headers: ifMatch(made) })).status).toBe(412);
		expect((await dev.call('POST', list(), { body: { ...fields, provider: 'github', name: made.name } })).status).toBe(
			400,
		);
		expect(
			await dev.call('POST', list(), { body: { provider: 'github', name: made.name, url: 'https://example.com/x' } }),
		).toMatchObject({ status: 409, body: { errors: [{ path: 'name' }] } });
	});

	it('13 41: lies at https or ssh, and nothing in its address is an option, a command or a secret', async () => {
		for (const url of [
			'https://git.example.com/a/b.git',
			'ssh://git@git.example.com:2222/a/b.git',
			'ssh://git.example.com/a',
			'git@github.com:acme/shop.git',
		])
			expect((await repo({ url })).url).toBe(url);
		await expectRefused(
			dev,
			list(),
			[
				'ext::sh -c id',
				'ext::ssh%20x',
				'-oProxyCommand=id',
				'--upload-pack=id',
				'http://git.example.com/x',
				'file:///etc/passwd',
				'git://git.example.com/x',
				'/srv/git/x',
				'https://user:password@git.example.com/x',
				'https://token@git.example.com/x',
				'https://-x',
				'https://',
				'https://a b/x',
				'ssh://-oProxyCommand=id/x',
				'ssh://git@-x/y',
				'ssh://git:pw@git.example.com/x',
				'ssh://git@git.example.com/-x',
				'git@git.example.com:-x',
				'-git@git.example.com:x',
				'git@git.example.com::x',
				'javascript:alert(1)',
				'data:text/html,x',
				'https://git.example.com/x\n--upload-pack=id',
				'https://git.example.com/\u202e',
			].map((url) => [{ provider: 'other', name: fresh('bad'), url }, 'url'] as const),
		);
		await expectRefused(
			dev,
			list(),
			['-x', '--exec=id', 'a..b', 'a b', 'x/', 'x.lock', '', 'x\u0000'].map(
				(default_branch) =>
					[{ provider: 'other', name: 'x', url: 'https://example.com/x', default_branch }, 'default_branch'] as const,
			),
		);
	});

	it('46: takes references to secrets, and no secret', async () => {
		for (const field of ['credentials_ref', 'webhook_secret_ref'])
			await expectRefused(
				dev,
				list(),
				[
					'ghp_0123456789abcdef',
					'hunter2',
					'https://vault/x',
					'env:has space',
					'vault:',
					'vault:kv2/kv/../x#y',
					'file:a\nb',
				].map(
					(value) => [{ provider: 'other', name: 'x', url: 'https://example.com/x', [field]: value }, field] as const,
				),
			);
	});

	it('stays while anything comes from it, and says what', async () => {
		const made = await repo();
		const of = { repo_id: made.id };
		const hanging = [
			await change({}, made),
			await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
				...of,
				tool: 'shell',
				name: fresh('s'),
				location_type: 'git',
				location: 'deploy.sh',
			}),
			await admin.ok('POST', `/api/projects/${String(p)}/inventories`, {
				...of,
				source_type: 'git',
				source_location: 'hosts.ini',
			}),
			await admin.ok('POST', `/api/projects/${String(p)}/terraform-plans`, {
				...of,
				source_type: 'git',
				source_location: 'plan.json',
			}),
		];
		const words = ['changes', 'scripts', 'inventories', 'terraform-plans'];
		const tables = ['git_changes', 'script_refs', 'inventories', 'terraform_plans'];
		const at = `/api/repos/${String(idOf(made))}`;
		for (const [n, row] of hanging.entries()) {
			expect(await dev.call('DELETE', at, { headers: ifMatch(made) })).toMatchObject({
				status: 409,
				body: { detail: expect.stringContaining(`${tables[n] ?? ''} (1)`) },
			});
			await admin.call('DELETE', `/api/${words[n] ?? ''}/${String(idOf(row))}`, { headers: ifMatch(row) });
		}
		expect((await dev.call('DELETE', at, { headers: ifMatch(made) })).status).toBe(204);
		expect((await dev.call('GET', at)).status).toBe(404);
	});

	it('is found by provider and text', async () => {
		const made = await repo({ provider: 'gitea', name: fresh('needle'), url: 'https://git.example.com/hay/stack' });
		for (const query of [
			`q=${String(made.name).toUpperCase()}`,
			'q=hay/stack',
			'provider=gitea&sort=-created_at&limit=1',
		])
			expect((await dev.ok('GET', `${list()}?${query}`)).items, query).toContainEqual(made);
		expect((await dev.ok('GET', `${list()}?provider=gitlab&q=needle`)).items).toEqual([]);
	});
});

describe('6.2 GitChange', () => {
	const fields = {
		job_id: 'int?',
		incident_id: 'int?',
		repo_id: 'int',
		change_type: ['commit', 'merge_request', 'pull_request'],
		external_id: 'str',
		title: 'str?',
		url: 'str?',
		author: 'str?',
	} as const;

	it('has every field and every type; one repository has each once', async () => {
		const made = await repo();
		for (const change_type of fields.change_type) {
			const row = await change({ change_type, external_id: '42' }, made);
			expectFields(row, fields);
			expect(
				await dev.call('POST', `/api/repos/${String(idOf(made))}/changes`, {
					body: { change_type, external_id: '42' },
				}),
			).toMatchObject({ status: 409, body: { errors: [{ path: 'external_id' }] } });
		}
		expect((await change({ external_id: '42' })).external_id).toBe('42');
	});

	it('is linked to a job and unlinked, and both sides show it', async () => {
		const [mine, row] = [await job(), await change()];
		const at = `/api/changes/${String(idOf(row))}`;
		const linked = await dev.ok('PATCH', at, { job_id: mine.id }, ifMatch(row));
		const ofJob = `/api/jobs/${String(idOf(mine))}`;
		expect((await dev.ok('GET', `${ofJob}/changes`)).items).toEqual([linked]);
		expect((await dev.ok('GET', `/api/projects/${String(p)}/changes?job_id=${String(idOf(mine))}`)).items).toEqual([
			linked,
		]);
		expect(await admin.call('DELETE', ofJob, { headers: ifMatch(mine) })).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('changes') },
		});
		await dev.ok('PATCH', at, { job_id: null }, ifMatch(linked));
		expect((await dev.ok('GET', `${ofJob}/changes`)).items).toEqual([]);
		expect((await admin.call('DELETE', ofJob, { headers: ifMatch(mine) })).status).toBe(204);
	});

	it('is looked at for an incident, with a verdict', async () => {
		const incident_id = await incident();
		const row = await change({ incident_id, verdict: 'suspect' });
		expect(row).toMatchObject({ incident_id, verdict: 'suspect' });
		expect(
			(await dev.ok('GET', `/api/projects/${String(p)}/changes?incident_id=${String(incident_id)}`)).items,
		).toEqual([row]);
		const at = `/api/changes/${String(idOf(row))}`;
		expect(await dev.call('PATCH', at, { body: { incident_id: null }, headers: ifMatch(row) })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'verdict' }] },
		});
		expect(await dev.ok('PATCH', at, { incident_id: null, verdict: null }, ifMatch(row))).toMatchObject({
			verdict: null,
		});
	});

	it('2: refers to jobs and incidents of its own project only', async () => {
		const changes = `/api/repos/${String(idOf(await repo()))}/changes`;
		const one = { change_type: 'commit', external_id: 'abc' };
		await expectRefused(dev, changes, [
			[{ ...one, job_id: (await job(other)).id }, 'job_id'],
			[{ ...one, job_id: 2_000_000_000 }, 'job_id'],
			[{ ...one, incident_id: await incident(other) }, 'incident_id'],
		]);
		const row = await change();
		expect(
			await dev.call('PATCH', `/api/changes/${String(idOf(row))}`, {
				body: { job_id: (await job(other)).id },
				headers: ifMatch(row),
			}),
		).toMatchObject({ status: 400, body: { errors: [{ path: 'job_id' }] } });
	});

	it('13 15 41: takes no address but https, no option for a hash or a branch, no trick in a name', async () => {
		const one = { change_type: 'commit', external_id: 'abc' };
		await expectRefused(dev, `/api/repos/${String(idOf(await repo()))}/changes`, [
			...['javascript:alert(1)', 'http://x.example', 'data:text/html,x'].map(
				(url) => [{ ...one, url }, 'url'] as const,
			),
			...['', '-x', '--all', 'a b', 'x\u0000', 'x'.repeat(129)].map(
				(external_id) => [{ ...one, external_id }, 'external_id'] as const,
			),
			[{ ...one, branch: '--upload-pack=id' }, 'branch'],
			[{ ...one, title: 'a\u202eb' }, 'title'],
			[{ ...one, author: 'a\nb' }, 'author'],
			[{ ...one, change_type: 'tag' }, 'change_type'],
			[{ ...one, repo_id: 1 }, ''],
		]);
	});
});
