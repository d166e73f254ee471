import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, person, project } from './api-world.ts';
import { expectFields, expectRefused, ifMatch } from './source-world.ts';

let dev: Caller, admin: Caller;
let p: number, other: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'contribute']]);
	other = await project(admin);
});

const list = () => `/api/projects/${String(p)}/scripts`;
const repo = (of = p) =>
	admin.ok('POST', `/api/projects/${String(of)}/repos`, {
		provider: 'other',
		name: fresh('r'),
		url: 'https://git.example.com/x',
	});
const script = (fields: object) => dev.ok('POST', list(), { tool: 'shell', name: fresh('s'), ...fields });
const job = (script_ids: unknown[]) =>
	dev.ok('POST', `/api/projects/${String(p)}/jobs`, { title: fresh('j'), job_type: 'dev', script_ids });

describe('8.1 ScriptRef', () => {
	const fields = {
		project_id: 'int',
		tool: ['ansible', 'shell', 'terraform', 'custom'],
		name: 'str',
		description: 'str?',
		location_type: ['uploaded', 'fs_path', 'git'],
		location: 'str',
		vault_secret_ref: 'str?',
	} as const;

	it('has every field, for every tool, at every place', async () => {
		const { id: repo_id } = await repo();
		for (const tool of fields.tool)
			for (const where of [
				{ location_type: 'uploaded', content: 'true' },
				{ location_type: 'fs_path', location: 'deploy/run.sh' },
				{ location_type: 'git', location: 'deploy/run.sh', repo_id, revision: 'main' },
			]) {
				const row = await script({ tool, ...where, description: 'd', vault_secret_ref: 'vault:kv2/kv/deploy#key' });
				expectFields(row, fields);
				expect(row).toMatchObject({ tool, location_type: where.location_type });
			}
	});

	it('in a repository: moves within it and to another of the project, has no content here, and runs', async () => {
		const row = await script({ location_type: 'git', location: 'a.sh', repo_id: (await repo()).id });
		expect(row).toMatchObject({ revision: null, sha256: null });
		const at = `/api/scripts/${String(idOf(row))}`;
		const next = (await repo()).id;
		const moved = await dev.ok('PATCH', at, { location: 'b.sh', repo_id: next, revision: 'v2' }, ifMatch(row));
		expect(moved).toMatchObject({ location: 'b.sh', repo_id: next, revision: 'v2', version: 2 });
		expect((await dev.call('GET', `${at}/content`)).status).toBe(404);
		expect((await dev.call('PUT', `${at}/content`, { raw: 'x' })).status).toBe(400);
		const { id } = await job([row.id]);
		expect((await dev.call('POST', `/api/jobs/${String(id)}/runs`, { body: {} })).status).toBe(201);
	});

	it('2 41 42 46: lies in no other project’s repository, outside of no root, and names no secret', async () => {
		const { id: repo_id } = await repo();
		const one = { tool: 'shell', name: 'x', location_type: 'git', location: 'a', repo_id };
		await expectRefused(dev, list(), [
			[{ ...one, repo_id: (await repo(other)).id }, 'repo_id'],
			[{ ...one, repo_id: 2_000_000_000 }, 'repo_id'],
			[{ ...one, revision: '--upload-pack=id' }, 'revision'],
			...['../a', '/a', '-a', 'a\u0000'].map((location) => [{ ...one, location }, 'location'] as const),
			[{ ...one, vault_secret_ref: 'hunter2' }, 'vault_secret_ref'],
			[{ ...one, content: 'x' }, ''],
			[{ tool: 'shell', name: 'x', location_type: 'fs_path', location: 'a', repo_id }, ''],
			[{ ...one, tool: 'python' }, 'tool'],
		]);
		const uploaded = await script({ location_type: 'uploaded', content: 'true' });
		for (const field of ['repo_id', 'revision'])
			expect(
				await dev.call('PATCH', `/api/scripts/${String(idOf(uploaded))}`, {
					body: { [field]: field === 'repo_id' ? repo_id : 'main' },
					headers: ifMatch(uploaded),
				}),
			).toMatchObject({ status: 400, body: { errors: [{ path: field }] } });
		const placed = await script({ location_type: 'git', location: 'a', repo_id });
		expect(
			await dev.call('PATCH', `/api/scripts/${String(idOf(placed))}`, {
				body: { repo_id: (await repo(other)).id },
				headers: ifMatch(placed),
			}),
		).toMatchObject({ status: 400, body: { errors: [{ path: 'repo_id' }] } });
	});

	it('and its jobs know each other, from both sides', async () => {
		const [a, b] = [
			await script({ location_type: 'uploaded', content: 'a' }),
			await script({ location_type: 'uploaded', content: 'b' }),
		];
		const [one, two] = [await job([b.id, a.id]), await job([a.id])];
		const ids = async (path: string) => ((await dev.ok('GET', path)).items as { id: number }[]).map(({ id }) => id);
		expect(await ids(`/api/jobs/${String(idOf(one))}/scripts`)).toEqual([b.id, a.id]);
		expect(await ids(`/api/scripts/${String(idOf(a))}/jobs?sort=created_at`)).toEqual([one.id, two.id]);
		expect(await ids(`/api/scripts/${String(idOf(b))}/jobs`)).toEqual([one.id]);
		expect(await ids(`/api/scripts/${String(idOf(a))}/jobs?status=planned`)).toEqual([]);
		expect((await dev.call('DELETE', `/api/scripts/${String(idOf(a))}`, { headers: ifMatch(a) })).status).toBe(409);
	});
});
