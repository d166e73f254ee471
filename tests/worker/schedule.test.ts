import { env } from 'cloudflare:workers';
import { evictDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { startDue } from '#worker/services/runs/scheduled.ts';
import { type Answer, type Caller, ctxFor, fresh, person, project } from './api-world.ts';
import { becomes, enrolled, TestAgent } from './live-world.ts';

// Jobs that start by themselves at the time they are planned for: once, in time or not at all, as their owners.

let admin: Caller, dev: Caller;
let p: number;

beforeEach(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'contribute']]);
});

const room = () => env.PROJECT_ROOM.getByName(String(p));
const at = () => `/api/projects/${String(p)}`;
const iso = (ms: number) => new Date(Date.now() + ms).toISOString();
async function planned(in_ms: number, fields: object = {}): Promise<Answer['body']> {
	const script = await admin.ok('POST', `${at()}/scripts`, {
		tool: 'shell',
		name: fresh('script'),
		location_type: 'uploaded',
		content: 'true\n',
	});
	return admin.ok('POST', `${at()}/jobs`, {
		title: fresh('job'),
		job_type: 'dev',
		script_ids: [script.id],
		planned_start: iso(in_ms),
		auto_start: true,
		...fields,
	});
}
const runsOf = async (job: Answer['body']) =>
	(await env.DB.prepare('select * from runs where job_id = ? order by id').bind(job.id).all()).results;
const onlyRun = async (job: Answer['body']) => {
	await expect.poll(() => runsOf(job), { timeout: 30_000 }).toHaveLength(1);
	return (await runsOf(job))[0] ?? {};
};
/** As if it had been planned for then. */
const wasPlanned = (job: Answer['body'], ms_ago: number) =>
	env.DB.prepare('update jobs set planned_start = ? where id = ?')
		.bind(Date.now() - ms_ago, job.id)
		.run();

describe('a job that starts by itself', () => {
	it('does so at its time, though its room slept, for its owner', async () => {
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }));
		const job = await planned(2_000, { owner_id: dev.id });
		const moved = await planned(3_600_000);
		await admin.ok('PATCH', `/api/jobs/${String(moved.id)}`, { planned_start: iso(2_000) }, { 'if-match': '"v1"' });
		const not = await planned(2_000, { auto_start: false });
		await evictDurableObject(room());
		const offered = [(await agent.offered(1)).run_id, (await agent.offered(2)).run_id];
		const [run, other] = [await onlyRun(job), await onlyRun(moved)];
		expect(offered.sort()).toEqual([run.id, other.id].sort());
		expect(run).toMatchObject({
			triggered_by_id: dev.id,
			scheduled_for: Date.parse(String(job.planned_start)),
			attempt: 1,
		});
		expect(Number(run.requested_at)).toBeGreaterThanOrEqual(Date.parse(String(job.planned_start)));
		expect(await runsOf(not)).toHaveLength(0);
		const audited = await env.DB.prepare(
			"select actor_kind, metadata from audit_logs where action = 'run.start' and object_id = ?",
		)
			.bind(run.id)
			.first();
		expect(audited).toMatchObject({ actor_kind: 'system', metadata: expect.stringContaining('scheduled_for') });
	});

	it('starts once, whoever notices, and again when it is planned anew', async () => {
		const job = await planned(3_600_000);
		await wasPlanned(job, 1_000);
		const ctx = ctxFor({ kind: 'actor', actor: { kind: 'system' } });
		await Promise.all([room().look(), startDue(ctx, p), startDue(ctx, p), startDue(ctx, p)]);
		await room().look();
		const first = await onlyRun(job);
		await admin.ok('POST', `/api/runs/${String(first.id)}/cancel`, {});
		await becomes(Number(first.id), { status: 'canceled' });
		await room().look();
		expect(await runsOf(job)).toHaveLength(1);
		// Nobody came to start it: what it was planned for stands.
		expect(await admin.ok('GET', `/api/jobs/${String(job.id)}`)).toMatchObject({ status: 'planned' });
		await wasPlanned(job, 500);
		await room().look();
		await expect.poll(() => runsOf(job)).toHaveLength(2);
	});

	it('whose time went by while the hub was away does not, and says so', async () => {
		const job = await planned(3_600_000);
		await wasPlanned(job, 3_600_000);
		await room().look();
		await becomes(Number((await onlyRun(job)).id), {
			status: 'canceled',
			reason: expect.stringContaining('"missed"'),
		});
		await room().look();
		expect(await runsOf(job)).toHaveLength(1);
	});

	it('waits for a freeze and needs its owner’s right, as any run, and asks for approval, whoever owns it', async () => {
		const live = await admin.ok('POST', `${at()}/environments`, { name: 'live', type: 'prod' });
		const [asks, may] = [
			await planned(3_600_000, { owner_id: admin.id, environment_id: live.id }),
			await planned(3_600_000, { owner_id: admin.id }),
		];
		await admin.ok('POST', '/api/freezes', {
			project_id: p,
			title: 'x',
			reason: 'x',
			start: iso(-1_000),
			end: iso(60_000),
		});
		const stranger = await person('dev');
		const cannot = await planned(3_600_000);
		await env.DB.prepare('update jobs set owner_id = ? where id = ?').bind(stranger.id, cannot.id).run();
		for (const job of [asks, may, cannot]) await wasPlanned(job, 100);
		await room().look();
		await becomes(Number((await onlyRun(asks)).id), {
			status: 'queued',
			approvals_missing: 1,
			reason: expect.stringContaining('"needs_approval"'),
		});
		await becomes(Number((await onlyRun(may)).id), { status: 'queued', reason: expect.stringContaining('"frozen"') });
		await becomes(Number((await onlyRun(cannot)).id), {
			status: 'failed',
			reason: expect.stringContaining('"not_allowed"'),
		});
	});

	it('lends nobody its owner’s rights: only they, or an admin, plan it and change it', async () => {
		const script = await admin.ok('POST', `${at()}/scripts`, {
			tool: 'shell',
			name: fresh('script'),
			location_type: 'uploaded',
			content: 'true\n',
		});
		const soon = { planned_start: iso(3_600_000), auto_start: true };
		const body = { title: fresh('job'), job_type: 'dev', script_ids: [script.id], ...soon };
		const refused = { status: 403, body: expect.objectContaining({ code: 'forbidden' }) };
		const asAdmin = { ...body, owner_id: admin.id };
		expect(await dev.call('POST', `${at()}/jobs`, { body: asAdmin })).toMatchObject(refused);
		const job = await dev.ok('POST', `${at()}/jobs`, { ...asAdmin, auto_start: false });
		const path = `/api/jobs/${String(job.id)}`;
		const patch = (fields: object, version: number) =>
			dev.call('PATCH', path, { body: fields, headers: { 'if-match': `"v${String(version)}"` } });
		expect(await patch({ auto_start: true }, 1)).toMatchObject(refused);
		expect(await patch({ auto_start: true, owner_id: dev.id }, 1)).toMatchObject({ status: 200 });
		expect(await patch({ owner_id: admin.id }, 2)).toMatchObject(refused);
		await admin.ok('PATCH', path, { owner_id: admin.id }, { 'if-match': '"v2"' });

		// Now it is the admin's: what it does, and when, is not the dev's to say.
		for (const change of [{ title: 'x' }, { script_ids: [] }, { planned_start: iso(1_000) }])
			expect(await patch(change, 3)).toMatchObject(refused);
		const { items } = await dev.ok('GET', `${at()}/events?limit=200`);
		const entry = (items as { id: number; version: number; job_id: number }[]).find(({ job_id }) => job_id === job.id);
		const moved = await dev.call('PATCH', `/api/events/${String(entry?.id)}`, {
			body: { start: iso(1_000) },
			headers: { 'if-match': `"v${String(entry?.version)}"` },
		});
		expect(moved).toMatchObject(refused);
		expect(await patch({ auto_start: false }, 3)).toMatchObject({ status: 200 });
	});

	it('has to have a value for everything its run asks for', async () => {
		const parameter = { name: 'VERSION', type: 'text', label: 'Version', required: true };
		await expect(planned(3_600_000, { parameters_schema: [parameter] })).rejects.toThrow('VERSION needs a default');
		const job = await planned(3_600_000, { parameters_schema: [{ ...parameter, default: '1' }] });
		await wasPlanned(job, 100);
		await room().look();
		expect(JSON.parse(String((await onlyRun(job)).parameters))).toEqual({ VERSION: '1' });
	});
});
