import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, person, project } from './api-world.ts';
import { becomes, enrolled, queuedRun, rowOf, TestAgent, type Writer } from './live-world.ts';

// Another attempt, by itself: only after the ends the job names, and each once.

let admin: Caller;
let p: number;
let agent: TestAgent;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
	agent = (await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }))).agent;
});

const policy = (fields: object = {}) => ({ retry: { max: 2, delay_s: 0, on: ['exit_code'], ...fields } });
const attempts = async (run: number) =>
	(
		await env.DB.prepare(
			'select id, attempt, retry_of, triggered_by_id, parameters from runs where job_id = (select job_id from runs where id = ?) order by id',
		)
			.bind(run)
			.all()
	).results;
const badly = (writer: Writer) => writer.finish('failed', { reason: { code: 'exit_code', message: 'Exit code 1.' } });

describe('a run that fails', () => {
	it('is tried again as its job says, as a new run that names it, and no more often', async () => {
		const first = await queuedRun(admin, p, policy());
		for (const n of [1, 2, 3]) await badly(await agent.start(n));
		const [, second, third] = await attempts(first);
		await becomes(Number(third?.id), { status: 'failed' });
		expect(await attempts(first)).toMatchObject([
			{ id: first, attempt: 1, retry_of: null },
			{ attempt: 2, retry_of: first, triggered_by_id: admin.id },
			{ attempt: 3, retry_of: second?.id },
		]);
		const { items } = await admin.ok('GET', `/api/runs?retry_of=${String(first)}`);
		expect(items).toMatchObject([{ id: second?.id }]);
		const audited = await env.DB.prepare(
			"select metadata from audit_logs where action = 'run.start' and object_id = ? and object_type = 'Run'",
		)
			.bind(second?.id)
			.first<string>('metadata');
		expect(JSON.parse(audited ?? '')).toMatchObject({ retry_of: first, attempt: 2, after: 'exit_code' });
	});

	it('waits for its pause first, and says so', async () => {
		const first = await queuedRun(admin, p, policy({ delay_s: 3600 }));
		await badly(await agent.start());
		await becomes(first, { status: 'failed' });
		const [, second] = await attempts(first);
		await becomes(Number(second?.id), { status: 'queued', reason: expect.stringContaining('"later"') });
		expect(agent.all('offer')).toHaveLength(1);
	});

	it('and was canceled, or ended in another way, or well, or lost, is not', async () => {
		const other = await queuedRun(admin, p, policy({ on: ['timeout'] }));
		await badly(await agent.start(1));
		await becomes(other, { status: 'failed' });
		const well = await queuedRun(admin, p, policy());
		await (await agent.start(2)).finish();
		await becomes(well, { status: 'success' });
		const stopped = await queuedRun(admin, p, policy());
		const writer = await agent.start(3);
		await becomes(stopped, { status: 'running' });
		await admin.ok('POST', `/api/runs/${String(stopped)}/cancel`, {});
		await agent.next('cancel');
		await badly(writer);
		await becomes(stopped, { cancel_requested_at: expect.any(Number), finished_at: expect.any(Number) });
		for (const run of [other, well, stopped]) expect(await attempts(run)).toHaveLength(1);
	});

	it('and had to be approved has to be approved again', async () => {
		const environment = await admin.ok('POST', `/api/projects/${String(p)}/environments`, {
			name: 'live',
			type: 'prod',
			protection: { requires_approval: true, four_eyes: true, allowed_roles: [] },
		});
		const first = await queuedRun(admin, p, { ...policy(), environment_id: environment.id });
		const other = await person('admin');
		const hash = String((await rowOf(first)).request_hash);
		await other.ok('POST', `/api/runs/${String(first)}/approve`, { hash });
		await badly(await agent.start());
		await becomes(first, { status: 'failed' });
		const [, second] = await attempts(first);
		expect(await rowOf(Number(second?.id))).toMatchObject({ approvals_missing: 1, request_hash: hash });
		await other.ok('POST', `/api/runs/${String(second?.id)}/approve`, { hash });
		expect((await agent.offered(2)).run_id).toBe(second?.id);
	});
});
