import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { startRun } from '#worker/services/runs/start.ts';
import { type Answer, type Caller, ctxFor, fresh, idOf, person, project } from './api-world.ts';

let admin: Caller, dev: Caller, ops: Caller, owner: Caller;
let p: number;

beforeAll(async () => {
	[admin, dev, ops, owner] = await Promise.all([person('admin'), person('dev'), person('ops'), person('projets')]);
	p = await project(owner, [
		[dev, 'contribute'],
		[ops, 'operate'],
	]);
});

const inP = (path: string) => `/api/projects/${String(p)}/${path}`;
const newScript = () =>
	ops.ok('POST', inP('scripts'), { tool: 'shell', name: fresh('s'), location_type: 'uploaded', content: 'true' });
const newJob = async (fields: object = {}, who = ops) =>
	who.ok('POST', inP('jobs'), {
		title: fresh('job'),
		job_type: 'ops',
		script_ids: [(await newScript()).id],
		...fields,
	});
const at = (row: Answer['body']) => `/api/jobs/${String(idOf(row))}`;
const v = (row: Answer['body']) => ({ 'if-match': `"v${String(row.version)}"` });
const entryOf = async (job: Answer['body']) =>
	((await ops.ok('GET', inP(`events?job_id=${String(idOf(job))}`))).items as Answer['body'][])[0];
const plan = { planned_start: '2026-12-01T10:00:00Z', planned_end: '2026-12-01T11:00:00Z' };

describe('a job and its entry in the calendar', () => {
	it('come, move and go together', async () => {
		const job = await newJob(plan);
		expect(job).toMatchObject({ status: 'planned', planned_start: '2026-12-01T10:00:00.000Z' });
		const entry = await entryOf(job);
		expect(entry).toMatchObject({
			title: job.title,
			start: job.planned_start,
			end: job.planned_end,
			event_type: 'job',
		});

		const later = await ops.ok('PATCH', at(job), { planned_end: '2026-12-01T12:00:00Z', title: 'Renamed' }, v(job));
		expect(await entryOf(job)).toMatchObject({
			id: entry?.id,
			title: 'Renamed',
			end: '2026-12-01T12:00:00.000Z',
			version: 2,
		});

		const described = await ops.ok('PATCH', at(job), { description: 'no move' }, v(later));
		expect(await entryOf(job)).toMatchObject({ version: 2 });

		const unplanned = await ops.ok('PATCH', at(job), { planned_start: null, planned_end: null }, v(described));
		expect(unplanned).toMatchObject({ status: 'draft' });
		expect(await entryOf(job)).toBeUndefined();
		const planned = await ops.ok('PATCH', at(job), plan, v(unplanned));
		expect(planned).toMatchObject({ status: 'planned' });
		await ops.call('DELETE', at(job), { headers: v(planned) });
		expect(await entryOf(job)).toBeUndefined();
	});

	it('move together when the entry is dragged, and both versions grow', async () => {
		const job = await newJob(plan);
		const entry = (await entryOf(job)) ?? {};
		const moved = await ops.ok(
			'PATCH',
			`/api/events/${String(idOf(entry))}`,
			{ start: '2026-12-02T10:00:00Z', end: '2026-12-02T11:00:00Z' },
			v(entry),
		);
		expect(moved).toMatchObject({ version: 2, start: '2026-12-02T10:00:00.000Z' });
		expect(await ops.ok('GET', at(job))).toMatchObject({
			version: 2,
			planned_start: '2026-12-02T10:00:00.000Z',
			planned_end: '2026-12-02T11:00:00.000Z',
			status: 'planned',
		});
		expect((await ops.call('PATCH', at(job), { body: { title: 'x' }, headers: v(job) })).status).toBe(412);
		const { items } = await admin.ok(
			'GET',
			`/api/audit?object_type=Job&object_id=${String(idOf(job))}&action=job.update`,
		);
		expect(items).toMatchObject([
			{ metadata: { version: 2, changes: { planned_start: { to: '2026-12-02T10:00:00.000Z' } } } },
		]);
	});

	it('an entry that is a job’s can only be moved, by who may edit the job', async () => {
		const job = await newJob(plan);
		const entry = (await entryOf(job)) ?? {};
		const path = `/api/events/${String(idOf(entry))}`;
		expect(await ops.call('PATCH', path, { body: { title: 'x' }, headers: v(entry) })).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'title' }] },
		});
		expect((await ops.call('DELETE', path, { headers: v(entry) })).status).toBe(409);
		// dev may plan jobs of type dev and meeting: an ops job is not theirs to move, by whatever way.
		const drag = { start: '2026-12-03T10:00:00Z' };
		expect(await dev.call('PATCH', path, { body: drag, headers: v(entry) })).toMatchObject({
			status: 403,
			body: { detail: expect.stringContaining('dev or meeting') },
		});
		const { body } = await dev.call('GET', '/api/calendar?start=2026-12-01&end=2026-12-02');
		const shown = (body as unknown as { editable: boolean; extendedProps: { job_id: number } }[]).find(
			(one) => one.extendedProps.job_id === job.id,
		);
		expect(shown?.editable).toBe(false);
	});

	it('dev plans dev jobs and meetings, and cannot turn one into the other kind', async () => {
		for (const job_type of ['ops', 'maintenance', 'infra'])
			expect((await dev.call('POST', inP('jobs'), { body: { title: 'x', job_type } })).status, job_type).toBe(403);
		const job = await newJob({ job_type: 'dev' }, dev);
		expect((await dev.call('PATCH', at(job), { body: { job_type: 'infra' }, headers: v(job) })).status).toBe(403);
		expect((await ops.call('PATCH', at(job), { body: { job_type: 'infra' }, headers: v(job) })).status).toBe(200);
	});

	it('shows what overlaps the window, and nothing else', async () => {
		const add = (title: string, start: string, end: string | null = null) =>
			ops.ok('POST', inP('events'), { title, start, end });
		await add('before', '2027-03-01T08:00:00Z', '2027-03-01T10:00:00Z');
		await add('over the start', '2027-03-01T23:00:00Z', '2027-03-02T01:00:00Z');
		await add('inside', '2027-03-02T08:00:00Z', '2027-03-02T09:00:00Z');
		await add('all of it', '2027-02-10T00:00:00Z', '2027-03-20T00:00:00Z');
		await add('a moment', '2027-03-02T00:00:00Z');
		await add('ends as it starts', '2027-03-01T20:00:00Z', '2027-03-02T00:00:00Z');
		await add('starts as it ends', '2027-03-03T00:00:00Z', '2027-03-03T01:00:00Z');
		const { body } = await ops.call('GET', '/api/calendar?start=2027-03-02T00:00:00Z&end=2027-03-03T00:00:00Z');
		expect((body as unknown as { title: string }[]).map(({ title }) => title).sort()).toEqual([
			'a moment',
			'all of it',
			'inside',
			'over the start',
		]);
		const offset = await ops.call(
			'GET',
			`/api/calendar?start=${encodeURIComponent('2027-03-02T01:00:00+01:00')}&end=${encodeURIComponent('2027-03-03T01:00:00+01:00')}`,
		);
		expect(offset.body).toEqual(body);
		for (const query of [
			'',
			'start=2027-01-01',
			'start=x&end=y',
			'start=2027-01-02&end=2027-01-01',
			'start=2020-01-01&end=2027-01-01',
		])
			expect((await ops.call('GET', `/api/calendar?${query}`)).status, query).toBe(400);
	});
});

describe('a job’s status', () => {
	it('can be set where the table says, and follows the run while one is under way', async () => {
		const job = await newJob();
		expect((await ops.call('PATCH', at(job), { body: { status: 'planned' }, headers: v(job) })).status).toBe(400);
		expect((await ops.call('PATCH', at(job), { body: { status: 'success' }, headers: v(job) })).status).toBe(400);
		const canceled = await ops.ok('PATCH', at(job), { status: 'canceled' }, v(job));
		const again = await ops.ok('PATCH', at(job), { ...plan }, v(canceled));
		expect(again).toMatchObject({ status: 'planned' });
		await env.DB.prepare("update jobs set status = 'running' where id = ?").bind(job.id).run();
		expect((await ops.call('PATCH', at(job), { body: { status: 'canceled' }, headers: v(again) })).status).toBe(409);
		expect(await ops.ok('PATCH', at(job), { planned_start: null, planned_end: null }, v(again))).toMatchObject({
			status: 'running',
		});
	});

	it('a job that ran stays; its scripts keep their order', async () => {
		const [a, b, c] = [await newScript(), await newScript(), await newScript()];
		const job = await newJob({ script_ids: [c.id, a.id, b.id] });
		expect(job.script_ids).toEqual([c.id, a.id, b.id]);
		const swapped = await ops.ok('PATCH', at(job), { script_ids: [b.id, c.id] }, v(job));
		expect(swapped.script_ids).toEqual([b.id, c.id]);
		const { items } = await ops.ok('GET', `${at(job)}/scripts`);
		expect((items as { id: number }[]).map(({ id }) => id)).toEqual([b.id, c.id]);
		await ops.ok('POST', `${at(job)}/runs`, {});
		const now = await ops.ok('GET', at(job));
		expect((await ops.call('DELETE', at(job), { headers: v(now) })).status).toBe(409);
	});
});

describe('a run', () => {
	const environment = (type: string, protection?: object) =>
		owner.ok('POST', inP('environments'), { name: fresh('env'), type, ...(protection && { protection }) });
	const run = (who: Caller, job: Answer['body'], body: object = {}) => who.call('POST', `${at(job)}/runs`, { body });

	it('dev may not run in a prod that asks for no approval, and is told why; ops may', async () => {
		const prod = await environment('prod', { requires_approval: false, allowed_roles: [] });
		const job = await newJob({ job_type: 'dev', environment_id: prod.id });
		for (const who of [dev, owner])
			expect(await run(who, job)).toMatchObject({
				status: 403,
				body: { code: 'forbidden', detail: expect.stringContaining('nobody can be asked for approval') },
			});
		expect(await run(ops, job)).toMatchObject({ status: 201, body: { status: 'queued', environment_id: prod.id } });

		// Naming another environment at the run is asked about in the same way, in both directions.
		const staging = await environment('staging');
		const safe = await newJob({ job_type: 'dev', environment_id: staging.id });
		expect((await run(dev, safe, { environment_id: prod.id })).status).toBe(403);
		expect(await run(dev, job, { environment_id: staging.id })).toMatchObject({
			status: 201,
			body: { environment_id: staging.id },
		});
	});

	it('an environment may name the roles that run in it', async () => {
		const only = await environment('dev', { requires_approval: false, allowed_roles: ['ops'] });
		const job = await newJob({ job_type: 'dev', environment_id: only.id });
		expect((await run(dev, job)).status).toBe(403);
		expect((await run(ops, job)).status).toBe(201);
	});

	it('does not start in a paused or archived project, for a meeting, or with nothing to run', async () => {
		const job = await newJob();
		for (const status of ['paused', 'archived']) {
			await env.DB.prepare('update projects set status = ? where id = ?').bind(status, p).run();
			expect((await run(ops, job)).status, status).toBe(409);
		}
		expect(
			(await ops.call('POST', inP('events'), { body: { title: 'x', start: '2026-12-01T00:00:00Z' } })).status,
		).toBe(409);
		expect((await ops.call('PATCH', at(job), { body: { title: 'x' }, headers: v(job) })).status).toBe(409);
		await env.DB.prepare("update projects set status = 'active' where id = ?").bind(p).run();
		expect((await run(ops, await newJob({ job_type: 'meeting' }))).status).toBe(409);
		expect((await run(ops, await newJob({ script_ids: [] }))).status).toBe(409);
	});

	it('keeps what it was asked with, and refuses parameters that could be options', async () => {
		const job = await newJob();
		const made = await run(ops, job, { parameters: { VERSION: 'v1; rm -rf /' }, reason: 'release' });
		expect(made.body).toMatchObject({
			parameters: { VERSION: 'v1; rm -rf /' },
			note: 'release',
			triggered_by_id: ops.id,
			attempt: 1,
		});
		for (const parameters of [{ A: '-rf' }, { 'A-B': 'x' }, { '1A': 'x' }, { A: 1 }, { A: 'x\u0000' }])
			expect((await run(ops, job, { parameters })).status, JSON.stringify(parameters)).toBe(400);
	});

	it('is told to its room after the commit, and the answer waits for nobody', async () => {
		const job = await newJob();
		const told: number[] = [];
		const never = new Promise<void>(() => undefined);
		const ctx = ctxFor(
			{ kind: 'actor', actor: { kind: 'user', id: ops.id, username: 'ops', role: 'ops' } },
			{
				live: {
					changed: () => never,
					touched: () => never,
					queued: ({ id }) => {
						told.push(id);
						return never;
					},
					look: () => never,
					decided: () => never,
					cancel: () => never,
					agentChanged: () => never,
					rightsChanged: () => never,
				},
			},
		);
		const made = await startRun(ctx, idOf(job), { parameters: {} });
		expect(told).toEqual([made.id]);
		expect(await env.DB.prepare('select status from runs where id = ?').bind(made.id).first('status')).toBe('queued');
	});

	it('can be canceled once it is asked for, not when it is over; the wish is kept', async () => {
		const job = await newJob();
		const { body } = await run(ops, job);
		const path = `/api/runs/${String(idOf(body))}`;
		const asked = await ops.call('POST', `${path}/cancel`);
		expect(asked.status).toBe(202);
		expect(asked.body.cancel_requested_at).not.toBeNull();
		await expect.poll(async () => (await ops.ok('GET', path)).status).toBe('canceled');
		expect((await ops.call('POST', `${path}/cancel`)).status).toBe(409);
	});

	it('is run again by a person, as a new run that names the old one', async () => {
		const job = await newJob();
		const { body: first } = await run(ops, job, { parameters: { A: 'b' } });
		const path = `/api/runs/${String(idOf(first))}`;
		expect((await ops.call('POST', `${path}/retry`)).status).toBe(409);
		await ops.ok('POST', `${path}/cancel`);
		await expect.poll(async () => (await ops.ok('GET', path)).status).toBe('canceled');
		expect(await ops.ok('POST', `${path}/retry`)).toMatchObject({
			status: 'queued',
			retry_of: first.id,
			attempt: 2,
			parameters: { A: 'b' },
			job_id: job.id,
		});
	});

	it('?wait answers when it ends, or when the seconds are over', async () => {
		const job = await newJob();
		const { body } = await run(ops, job);
		const path = `/api/runs/${String(idOf(body))}`;
		const waiting = ops.call('GET', `${path}?wait=60`);
		await ops.ok('POST', `${path}/cancel`);
		expect(await waiting).toMatchObject({ status: 200, body: { status: 'canceled' } });
		for (const wait of ['0', '61', 'x', '-1']) expect((await ops.call('GET', `${path}?wait=${wait}`)).status).toBe(400);
		const { body: other } = await run(ops, job);
		expect(await ops.ok('GET', `/api/runs/${String(idOf(other))}?wait=1`)).toMatchObject({ status: 'queued' });
	});
});

describe('24: as much of everything as a job may hold', () => {
	it('is kept, changed, shown to be signed, and run, in statements that hold it', async () => {
		const many = <T>(n: number, of: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => of(i));
		const scripts = await Promise.all(many(20, newScript));
		const wide = {
			description: 'd'.repeat(10_000),
			tags: many(20, (i) => `${String(i)}${'t'.repeat(30)}`),
			labels: Object.fromEntries(many(20, (i) => [`k${String(i)}`, 'v'.repeat(63)])),
			arguments: many(50, (i) => `--${String(i)}=${'a'.repeat(1000)}`),
			parameters_schema: many(50, (i) => ({ name: `P${String(i)}`, type: 'text', required: false })),
			script_ids: scripts.map(idOf),
			...plan,
		};
		const job = await newJob(wide);
		expect(job).toMatchObject({ tags: wide.tags, arguments: wide.arguments, script_ids: wide.script_ids });
		const turned = await ops.ok('PATCH', at(job), { ...wide, script_ids: wide.script_ids.toReversed() }, v(job));
		expect(turned).toMatchObject({ script_ids: wide.script_ids.toReversed() });
		expect((await ops.ok('GET', `${at(job)}/scripts`)).items).toHaveLength(20);
		expect(await ops.ok('GET', `${at(job)}/template`)).toMatchObject({ template: { arguments: wide.arguments } });
		const parameters = Object.fromEntries(many(50, (i) => [`P${String(i)}`, 'x'.repeat(4096)]));
		expect(await ops.ok('POST', `${at(job)}/runs`, { parameters })).toMatchObject({ status: 'queued', parameters });
	});

	it('and no more: one of anything beyond is refused by its name', async () => {
		const over = (n: number, of: (i: number) => unknown) => Array.from({ length: n }, (_, i) => of(i));
		for (const [field, value] of Object.entries({
			script_ids: over(21, (i) => i + 1),
			tags: over(21, String),
			labels: Object.fromEntries(over(21, String).map((k) => [k, 'v'])),
			arguments: over(51, String),
			parameters_schema: over(51, (i) => ({ name: `P${String(i)}`, type: 'text' })),
		})) {
			const answer = await ops.call('POST', inP('jobs'), { body: { title: 'x', job_type: 'ops', [field]: value } });
			expect(answer, field).toMatchObject({ status: 400, body: { errors: [{ path: field }] } });
		}
	});
});
