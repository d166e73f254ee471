import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Answer, type Caller, fresh, idOf, person, project } from './api-world.ts';
import { enrolled, TestAgent } from './live-world.ts';

// What others have to approve: who may, what it is bound to, and what makes it void.

let admin: Caller, owner: Caller, dev: Caller, ops: Caller, ops2: Caller, contributor: Caller, stranger: Caller;
let p: number;
type Row = Answer['body'];

beforeAll(async () => {
	[admin, owner, dev, ops, ops2, contributor, stranger] = await Promise.all([
		person('admin'),
		person('projets'),
		person('dev'),
		person('ops'),
		person('ops'),
		person('ops'),
		person('ops'),
	]);
});

// One for each test: what waits in it is its own.
beforeEach(async () => {
	p = await project(owner, [
		[dev, 'contribute'],
		[ops, 'operate'],
		[ops2, 'operate'],
		[contributor, 'contribute'],
	]);
});

const environment = (type: string, protection?: object) =>
	owner.ok('POST', `/api/projects/${String(p)}/environments`, {
		name: fresh('env'),
		type,
		...(protection && { protection: { requires_approval: true, allowed_roles: [], ...protection } }),
	});
const script = (fields: object = {}) =>
	ops.ok('POST', `/api/projects/${String(p)}/scripts`, {
		tool: 'shell',
		name: fresh('script'),
		location_type: 'uploaded',
		content: 'true\n',
		...fields,
	});
async function job(in_: Row, fields: object = {}): Promise<Row> {
	const made = fields as { script_ids?: number[] };
	return ops.ok('POST', `/api/projects/${String(p)}/jobs`, {
		title: fresh('job'),
		job_type: 'dev',
		environment_id: in_.id,
		script_ids: made.script_ids ?? [idOf(await script())],
		...fields,
	});
}
const start = (who: Caller, of: Row, body: object = {}) =>
	who.call('POST', `/api/jobs/${String(idOf(of))}/runs`, { body });
const asked = async (who: Caller, of: Row, body: object = {}) => {
	const answer = await start(who, of, body);
	expect(answer.status).toBe(201);
	return answer.body;
};
const decide = (who: Caller, run: Row, how: 'approve' | 'reject', body: object = { hash: run.request_hash }) =>
	who.call('POST', `/api/runs/${String(idOf(run))}/${how}`, { body });
const now = (run: Row) => admin.ok('GET', `/api/runs/${String(idOf(run))}`);
const becomes = (run: Row, what: object) =>
	vi.waitFor(
		async () => {
			expect(await now(run)).toMatchObject(what);
		},
		{ timeout: 30_000 },
	);
const waiting = async (who: Caller) =>
	((await who.ok('GET', '/api/runs?needs_my_approval=true&limit=200')).items as { id: number }[]).map(({ id }) => id);
const actions = async (run: Row) =>
	(
		await env.DB.prepare("select action from audit_logs where object_type = 'Run' and object_id = ? order by id")
			.bind(run.id)
			.all<{ action: string }>()
	).results.map(({ action }) => action);
const versionOf = (row: Row) => ({ 'if-match': `"v${String(row.version)}"` });

describe('who needs approval', () => {
	it('in production dev and projets ask for it; ops who operate and admins run by themselves', async () => {
		const prod = await environment('prod');
		const of = await job(prod);
		for (const who of [dev, owner, contributor])
			expect(await asked(who, of)).toMatchObject({
				status: 'queued',
				approvals_needed: 1,
				approvals_missing: 1,
				request_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
				reason: { code: 'needs_approval' },
			});
		for (const who of [ops, admin]) expect(await asked(who, of)).toMatchObject({ approvals_needed: 0 });
		const open = await environment('prod', { requires_approval: false });
		expect(await start(dev, await job(open))).toMatchObject({
			status: 403,
			body: { detail: expect.stringContaining('nobody can be asked') },
		});
	});

	it('so does whoever runs where it is protected, and with four eyes everybody', async () => {
		expect(await asked(dev, await job(await environment('staging', {})))).toMatchObject({ approvals_needed: 1 });
		const eyes = await job(await environment('prod', { four_eyes: true, approvals: 2 }));
		for (const who of [ops, admin]) expect(await asked(who, eyes)).toMatchObject({ approvals_needed: 2 });
	});

	it('a script that can move is refused: there would be nothing to approve', async () => {
		const repo = await ops.ok('POST', `/api/projects/${String(p)}/repos`, {
			provider: 'gitea',
			name: fresh('repo'),
			url: 'https://git.example.com/app.git',
		});
		const moving = await script({
			location_type: 'git',
			location: 'deploy.sh',
			content: undefined,
			repo_id: repo.id,
			revision: 'main',
		});
		expect(await start(dev, await job(await environment('prod'), { script_ids: [idOf(moving)] }))).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('needs a commit') },
		});
	});

	it('39: nor is a file of the agent’s host, nor an image by its tag', async () => {
		const onAgent = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
			...{ tool: 'shell', name: fresh('there'), location_type: 'fs_path', location: 'deploy/run.sh' },
		});
		expect(await start(dev, await job(await environment('prod'), { script_ids: [idOf(onAgent)] }))).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining("on the agent's host") },
		});
		const image = (name: string) => ({ execution_backend: 'docker', execution_backend_config: { image: name } });
		const prod = await environment('prod');
		expect(await start(dev, await job(prod, image('registry.test/app:1')))).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('needs its digest') },
		});
		expect(await start(dev, await job(prod, image(`registry.test/app@sha256:${'a'.repeat(64)}`)))).toMatchObject({
			status: 201,
		});
	});
});

describe('who may approve', () => {
	it('39: an admin, or ops who operate; never who asked, and nobody twice', async () => {
		const of = await job(await environment('prod', { four_eyes: true, approvals: 2 }));
		const run = await asked(ops, of);
		for (const [who, status] of [
			[dev, 403],
			[owner, 403],
			[contributor, 403],
			[stranger, 404],
		] as const)
			for (const how of ['approve', 'reject'] as const) expect((await decide(who, run, how)).status, how).toBe(status);
		expect(await decide(ops, run, 'approve')).toMatchObject({
			status: 403,
			body: { detail: expect.stringContaining('never for who asked') },
		});
		expect(await waiting(ops2)).toContain(run.id);
		for (const who of [ops, dev, stranger, contributor]) expect(await waiting(who)).not.toContain(run.id);
		expect(await ops2.ok('GET', `/api/runs/${String(idOf(run))}/approvals`)).toMatchObject({
			hash: run.request_hash,
			current_hash: run.request_hash,
			missing: 2,
			approver_ids: expect.arrayContaining([admin.id, ops2.id]),
		});

		const one = await decide(ops2, run, 'approve', { hash: run.request_hash, reason: 'as agreed' });
		expect(one).toMatchObject({ status: 200, body: { approvals_missing: 1, reason: { code: 'needs_approval' } } });
		expect(await waiting(ops2)).not.toContain(run.id);
		expect((await decide(ops2, run, 'approve')).status).toBe(409);
		const two = await decide(admin, run, 'approve');
		expect(two).toMatchObject({ status: 200, body: { approvals_missing: 0, reason: null } });
		expect((await decide(admin, run, 'reject')).status).toBe(409);
		expect(await actions(run)).toEqual(['run.start', 'run.ask_approval', 'run.approve', 'run.approve']);
	});

	it('39: two who decide at once count as two, and one who does so twice as one', async () => {
		const run = await asked(ops, await job(await environment('prod', { four_eyes: true, approvals: 3 })));
		const answers = await Promise.all([ops2, ops2, admin, admin].map((who) => decide(who, run, 'approve')));
		const done = answers.filter(({ status }) => status === 200).length;
		expect((await now(run)).approvals_missing).toBe(3 - done);
		expect(done).toBeGreaterThanOrEqual(1);
		expect(done).toBeLessThanOrEqual(2);
		const by = await env.DB.prepare(
			"select count(*) as n, count(distinct decided_by_id) as people from approvals where run_id = ? and decision = 'approved'",
		)
			.bind(run.id)
			.first();
		expect(by).toEqual({ n: done, people: done });
	});

	it('one no ends it, with what was said', async () => {
		const run = await asked(dev, await job(await environment('prod')));
		expect((await decide(ops, run, 'reject', { hash: run.request_hash, reason: 'not on a Friday' })).status).toBe(200);
		await becomes(run, { status: 'canceled', reason: { code: 'rejected' } });
		expect((await decide(ops2, run, 'approve')).status).toBe(409);
		expect(await dev.ok('GET', `/api/runs/${String(idOf(run))}/approvals`)).toMatchObject({
			items: [{ decision: 'rejected', decided_by_id: ops.id, reason: 'not on a Friday' }],
			approver_ids: [],
		});
		expect(await actions(run)).toEqual(expect.arrayContaining(['run.start', 'run.ask_approval', 'run.reject']));
	});
});

describe('what it is bound to', () => {
	it('39: what was looked at: another hash, or none, decides nothing', async () => {
		const run = await asked(dev, await job(await environment('prod')));
		for (const body of [{}, { hash: 'x' }, { hash: run.request_hash, more: 1 }])
			expect((await decide(ops, run, 'approve', body)).status, JSON.stringify(body)).toBe(400);
		expect((await decide(ops, run, 'approve', { hash: '0'.repeat(64) })).status).toBe(409);
		expect(await now(run)).toMatchObject({ approvals_missing: 1 });
	});

	it('the values: other parameters are another hash', async () => {
		const of = await job(await environment('prod'));
		const [a, b] = [await asked(dev, of, { parameters: { V: '1' } }), await asked(dev, of, { parameters: { V: '2' } })];
		expect(a.request_hash).not.toBe(b.request_hash);
		expect((await asked(dev, of, { parameters: { V: '1' } })).request_hash).toBe(a.request_hash);
	});

	it('39: what changed since cannot be approved, and what was approved before does not start', async () => {
		const content = await script();
		const of = await job(await environment('prod'), { script_ids: [idOf(content)] });
		const [before, after] = [await asked(dev, of), await asked(dev, of)];
		expect((await decide(ops, before, 'approve')).status).toBe(200);
		await ops.ok('PATCH', `/api/scripts/${String(idOf(content))}`, { content: 'rm -rf /\n' }, versionOf(content));
		expect(await decide(ops, after, 'approve')).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('not what the approval was asked for') },
		});
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		for (const run of [before, after]) await becomes(run, { status: 'failed', reason: { code: 'approval_stale' } });
		expect(agent.all('offer')).toHaveLength(0);

		// The same again starts, once it is approved and not before.
		const again = await asked(dev, of);
		expect(agent.all('offer')).toHaveLength(0);
		expect((await decide(ops, again, 'approve')).status).toBe(200);
		expect((await agent.offered()).run_id).toBe(again.id);
	});

	it('39: who asked: without the right to run there any more it does not start', async () => {
		const leaver = await person('admin');
		const run = await asked(leaver, await job(await environment('prod', { four_eyes: true })));
		await env.DB.prepare('update users set is_active = 0 where id = ?').bind(leaver.id).run();
		expect(await decide(ops, run, 'approve')).toMatchObject({ status: 409 });
		await becomes(run, { status: 'failed', reason: { code: 'not_allowed' } });
	});

	it('39: its time: what nobody approved in time ends, and cannot be approved', async () => {
		const run = await asked(dev, await job(await environment('prod', { approval_ttl_s: 60 })));
		await env.DB.prepare('update runs set approval_expires_at = ? where id = ?')
			.bind(Date.now() - 1, run.id)
			.run();
		expect(await waiting(ops)).not.toContain(run.id);
		expect((await decide(ops, run, 'approve')).status).toBe(409);
		await becomes(run, { status: 'canceled', reason: { code: 'approval_expired' } });
		expect(await dev.ok('GET', `/api/runs/${String(idOf(run))}/approvals`)).toMatchObject({
			items: [{ decision: 'expired', decided_by_id: null }],
			approver_ids: [],
		});
		const other = await asked(dev, await job(await environment('prod')));
		await env.DB.prepare('update runs set approval_expires_at = ? where id = ?')
			.bind(Date.now() - 1, other.id)
			.run();
		await env.PROJECT_ROOM.getByName(String(p)).look();
		await becomes(other, { status: 'canceled', reason: { code: 'approval_expired' } });
	});
});
