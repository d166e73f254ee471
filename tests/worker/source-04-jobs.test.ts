import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { enrolled, TestAgent } from './live-world.ts';
import { type Answer, type Caller, fresh, idOf, person, project } from './api-world.ts';
import { expectFields, expectRefused, ifMatch } from './source-world.ts';

let admin: Caller, dev: Caller;
let p: number, other: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'contribute']]);
	other = await project(admin);
});

const inP = (path: string, of = p) => `/api/projects/${String(of)}/${path}`;
const script = (of = p) =>
	admin.ok('POST', inP('scripts', of), {
		tool: 'shell',
		name: fresh('s'),
		location_type: 'uploaded',
		content: 'true',
	});
const environment = (of = p) => admin.ok('POST', inP('environments', of), { name: fresh('env'), type: 'dev' });
const job = (more: object = {}, of = p) =>
	admin.ok('POST', inP('jobs', of), { title: fresh('job'), job_type: 'dev', ...more });
const jobAt = (row: Answer['body']) => `/api/jobs/${String(idOf(row))}`;
const items = async (path: string) => (await admin.ok('GET', path)).items as Answer['body'][];
const plan = { planned_start: '2030-12-01T10:00:00Z', planned_end: '2030-12-01T11:00:00Z' };

describe('4.1 Job', () => {
	const fields = {
		project_id: 'int',
		environment_id: 'int?',
		title: 'str',
		description: 'str?',
		job_type: ['dev', 'ops', 'maintenance', 'meeting', 'infra'],
		owner_id: 'int',
		requested_by_id: 'int?',
		status: ['draft', 'planned', 'running', 'success', 'failed', 'canceled'],
		priority: ['low', 'normal', 'high', 'critical'],
		planned_start: 'datetime?',
		planned_end: 'datetime?',
		tags: 'json',
	} as const;

	it('has every field, every type and every priority', async () => {
		expectFields(await job(), fields);
		const { id: environment_id } = await environment();
		for (const job_type of fields.job_type)
			for (const priority of fields.priority) {
				const row = await job({
					job_type,
					priority,
					environment_id,
					requested_by_id: dev.id,
					tags: ['release', 'été'],
					description: 'd',
					...plan,
				});
				expectFields(row, fields);
				expect(row).toMatchObject({ job_type, priority, owner_id: admin.id, tags: ['release', 'été'], project_id: p });
			}
	});

	it('is given every status a person may give it by hand, and no other', async () => {
		const planned = await job(plan);
		expect(planned.status).toBe('planned');
		let row = await admin.ok('PATCH', jobAt(planned), { status: 'canceled' }, ifMatch(planned));
		for (const status of ['draft', 'planned'] as const) {
			row = await admin.ok('PATCH', jobAt(row), { status }, ifMatch(row));
			expect(row.status).toBe(status);
		}
		for (const status of ['running', 'success', 'failed', 'done'])
			expect(await admin.call('PATCH', jobAt(row), { body: { status }, headers: ifMatch(row) }), status).toMatchObject({
				status: 400,
				body: { errors: [{ path: 'status' }] },
			});
	});

	it('2: is in an environment, and of scripts, of its own project; what is no field or value is refused by name', async () => {
		const one = { title: 'x', job_type: 'dev' };
		await expectRefused(dev, inP('jobs'), [
			[{ ...one, environment_id: (await environment(other)).id }, 'environment_id'],
			[{ ...one, script_ids: [(await script(other)).id] }, 'script_ids.0'],
			[{ ...one, script_ids: [2_000_000_000] }, 'script_ids.0'],
			[{ ...one, owner_id: 2_000_000_000 }, 'owner_id'],
			[{ ...one, requested_by_id: 2_000_000_000 }, 'requested_by_id'],
			[{ ...one, job_type: 'party' }, 'job_type'],
			[{ ...one, priority: 'urgent' }, 'priority'],
			[{ ...one, title: ' ' }, 'title'],
			[{ ...one, tags: ['a\u202eb'] }, 'tags.0'],
			[{ ...one, planned_end: plan.planned_end }, 'planned_start'],
			[{ ...one, planned_start: plan.planned_end, planned_end: plan.planned_start }, 'planned_end'],
			[{ ...one, planned_start: 'tomorrow' }, 'planned_start'],
			[{ ...one, status: 'success' }, ''],
			[{ ...one, project_id: other }, ''],
		]);
	});

	it('knows its runs, events, incidents, commits and scripts', async () => {
		const scripts = [await script(), await script()];
		const row = await job({ ...plan, script_ids: scripts.map(idOf).reverse() });
		const run = await admin.ok('POST', `${jobAt(row)}/runs`, {});
		const incident = await admin.ok('POST', inP('incidents'), { title: fresh('i') });
		await admin.ok('POST', `/api/incidents/${String(idOf(incident))}/links`, { kind: 'job', job_id: row.id });
		const repo = await admin.ok('POST', inP('repos'), {
			provider: 'gitea',
			name: fresh('r'),
			url: 'https://git.example.com/x',
		});
		await admin.ok('POST', `/api/repos/${String(idOf(repo))}/changes`, {
			change_type: 'commit',
			external_id: 'abc',
			job_id: row.id,
		});
		const id = String(idOf(row));
		expect((await items(`/api/runs?job_id=${id}`)).map(idOf)).toEqual([run.id]);
		expect(await items(inP(`events?job_id=${id}`))).toMatchObject([{ job_id: row.id, event_type: 'job' }]);
		expect((await items(`/api/incidents?job_id=${id}`)).map(idOf)).toEqual([incident.id]);
		expect(await items(`${jobAt(row)}/changes`)).toMatchObject([{ external_id: 'abc' }]);
		expect((await items(`${jobAt(row)}/scripts`)).map(idOf)).toEqual(scripts.map(idOf).reverse());
		const refused = await admin.call('DELETE', jobAt(row), { headers: ifMatch(await admin.ok('GET', jobAt(row))) });
		expect(refused.status).toBe(409);
		for (const hanging of ['runs', 'incident_links', 'git_changes'])
			expect(refused.body.detail, hanging).toContain(hanging);
	});
});

describe('4.2 Run', () => {
	const fields = {
		job_id: 'int',
		started_at: 'datetime?',
		finished_at: 'datetime?',
		status: ['queued', 'running', 'success', 'failed', 'canceled', 'lost'],
		triggered_by_id: 'int',
		log_path: 'str?',
		stdout_excerpt: 'str?',
		stderr_excerpt: 'str?',
		exit_code: 'int?',
	} as const;
	const read = (run: Answer['body']) => admin.ok('GET', `/api/runs/${String(idOf(run))}`);
	const becomes = (run: Answer['body'], status: string) =>
		expect.poll(async () => (await read(run)).status, { timeout: 30_000 }).toBe(status);

	it('has every field, and comes to every end; the job follows the latest one', async () => {
		const mine = await project(admin);
		const { agent } = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([mine]) }));
		const row = await job({ script_ids: [(await script(mine)).id] }, mine);
		for (const [n, status] of (['success', 'failed', 'canceled'] as const).entries()) {
			const run = await admin.ok('POST', `${jobAt(row)}/runs`, {});
			expectFields(run, fields);
			expect(run).toMatchObject({ status: 'queued', started_at: null, log_path: null, triggered_by_id: admin.id });
			const writer = await agent.start(n + 1);
			await becomes(run, 'running');
			expect(await admin.ok('GET', jobAt(row))).toMatchObject({ status: 'running' });
			await writer.write('out\n');
			await writer.write('err\n', 2);
			if (status === 'canceled') await admin.ok('POST', `/api/runs/${String(idOf(run))}/cancel`, {});
			await writer.finish(status);
			await becomes(run, status);
			const ended = await read(run);
			expectFields(ended, fields);
			expect(ended).toMatchObject({
				stdout_excerpt: 'out\n',
				stderr_excerpt: 'err\n',
				exit_code: status === 'success' ? 0 : 1,
			});
			expect(ended.started_at).not.toBeNull();
			expect(ended.finished_at).not.toBeNull();
			await expect.poll(async () => (await admin.ok('GET', jobAt(row))).status).toBe(status);
		}
	});

	it('has a log whose place is the hub’s own word', async () => {
		const run = await admin.ok('POST', `${jobAt(await job({ script_ids: [(await script()).id] }))}/runs`, {});
		for (const field of ['log_path', 'status', 'exit_code', 'triggered_by_id'])
			expect(
				await admin.call('POST', `/api/jobs/${String(run.job_id)}/runs`, { body: { [field]: 'x' } }),
				field,
			).toMatchObject({ status: 400, body: { code: 'invalid' } });
	});

	it('is none of a meeting', async () => {
		const meeting = await job({ job_type: 'meeting' });
		expect((await admin.call('POST', `${jobAt(meeting)}/runs`, { body: {} })).status).toBe(409);
	});
});

describe('4.3 Event', () => {
	const fields = {
		project_id: 'int',
		job_id: 'int?',
		title: 'str',
		start: 'datetime',
		end: 'datetime?',
		event_type: ['job', 'meeting', 'maintenance', 'incident', 'other'],
		color: 'str?',
		all_day: 'bool',
		extendedProps: 'json',
	} as const;
	const one = { title: 'Review', start: '2030-12-01T10:00:00Z' };

	it('has every field and every type, by itself or of a job', async () => {
		for (const event_type of fields.event_type.filter((type) => type !== 'job')) {
			const row = await admin.ok('POST', inP('events'), {
				...one,
				event_type,
				end: '2030-12-01T11:00:00Z',
				color: '#00ff00',
				all_day: true,
			});
			expectFields(row, fields);
			expect(row).toMatchObject({ event_type, all_day: true, color: '#00ff00', job_id: null });
			expect(row.extendedProps).toEqual({ conflict: false });
		}
		const planned = await job(plan);
		const [entry = {}] = await items(inP(`events?job_id=${String(idOf(planned))}`));
		expectFields(entry, fields);
		expect(entry).toMatchObject({ event_type: 'job', job_id: planned.id, title: planned.title });
		await expectRefused(admin, inP('events'), [
			[{ ...one, event_type: 'job' }, 'event_type'],
			[{ ...one, event_type: 'party' }, 'event_type'],
			[{ ...one, end: '2030-12-01T09:00:00Z' }, 'end'],
			[{ ...one, color: 'green' }, 'color'],
			[{ ...one, start: '1 December' }, 'start'],
			[{ ...one, job_id: planned.id }, ''],
			[{ ...one, extendedProps: { conflict: true } }, ''],
		]);
	});

	it('is answered as FullCalendar reads it', async () => {
		const row = await admin.ok('POST', inP('events'), { ...one, start: '2031-02-01T10:00:00Z' });
		const entries = (await admin.ok(
			'GET',
			`/api/calendar?start=2031-02-01&end=2031-02-02&project_id=${String(p)}`,
		)) as unknown as object[];
		expect(entries).toEqual([
			expect.objectContaining({
				title: row.title,
				start: row.start,
				end: null,
				allDay: false,
				extendedProps: expect.objectContaining({ conflict: false, event_id: row.id, project_id: p }),
			}),
		]);
	});

	it('of a job goes with it', async () => {
		const planned = await job(plan);
		expect((await admin.call('DELETE', jobAt(planned), { headers: ifMatch(planned) })).status).toBe(204);
		expect(await env.DB.prepare('select count(*) n from events where job_id = ?').bind(idOf(planned)).first('n')).toBe(
			0,
		);
	});
});
