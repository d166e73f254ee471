import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, person, project } from './api-world.ts';

let admin: Caller, dev: Caller;
let p: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'contribute']]);
});

const newJob = (fields: object = {}) =>
	dev.ok('POST', `/api/projects/${String(p)}/jobs`, { title: fresh('job'), job_type: 'dev', ...fields });
const jobAt = (job: { id?: unknown }) => `/api/jobs/${String(job.id)}`;
const ifMatch = (tag: string) => ({ 'if-match': tag });
const rows = async (sql: string, ...bound: unknown[]) =>
	(
		await env.DB.prepare(sql)
			.bind(...bound)
			.all()
	).results;

describe('editing with a version', () => {
	it('tells the version as the ETag and wants it back', async () => {
		const job = await newJob();
		const read = await dev.call('GET', jobAt(job));
		expect(read.headers.get('etag')).toBe('"v1"');
		expect(await dev.call('PATCH', jobAt(job), { body: { title: 'x' } })).toMatchObject({
			status: 428,
			body: { code: 'precondition_required' },
		});
		expect((await dev.call('DELETE', jobAt(job))).status).toBe(428);
		for (const wrong of ['v1', '"1"', '*', '"v0"', '"v1", "v2"', '"v1e3"', 'W/v1'])
			expect(
				await dev.call('PATCH', jobAt(job), { body: { title: 'x' }, headers: ifMatch(wrong) }),
				wrong,
			).toMatchObject({ status: 400, body: { errors: [{ path: 'If-Match' }] } });
		const edited = await dev.call('PATCH', jobAt(job), { body: { title: 'x' }, headers: ifMatch('W/"v1"') });
		expect(edited).toMatchObject({ status: 200, body: { title: 'x', version: 2 } });
		expect(edited.headers.get('etag')).toBe('"v2"');
	});

	it('says with 412 what the row is now, and who changed which fields since', async () => {
		const job = await newJob({ tags: ['a'] });
		await dev.ok('PATCH', jobAt(job), { title: 'first' }, ifMatch('"v1"'));
		await admin.ok('PATCH', jobAt(job), { priority: 'high', tags: ['b'] }, ifMatch('"v2"'));
		const stale = await dev.call('PATCH', jobAt(job), { body: { title: 'mine' }, headers: ifMatch('"v2"') });
		expect(stale).toMatchObject({
			status: 412,
			body: { code: 'stale', current: { id: job.id, title: 'first', priority: 'high', version: 3 } },
		});
		const changed = stale.body.changed as { field: string; by_id: number; at: string }[];
		expect(changed.map(({ field, by_id }) => [field, by_id]).sort()).toEqual([
			['priority', admin.id],
			['tags', admin.id],
		]);
		const older = await dev.call('DELETE', jobAt(job), { headers: ifMatch('"v1"') });
		expect(older.status).toBe(412);
		expect((older.body.changed as unknown[]).length).toBe(3);
		expect(await dev.ok('GET', jobAt(job))).toMatchObject({ title: 'first', version: 3 });
	});

	it('says that the status moved when no edit moved it', async () => {
		const job = await newJob();
		await env.DB.prepare("update jobs set status = 'success', version = version + 1 where id = ?").bind(job.id).run();
		const stale = await dev.call('PATCH', jobAt(job), { body: { title: 'x' }, headers: ifMatch('"v1"') });
		expect(stale.body.changed).toMatchObject([{ field: 'status', by_id: null }]);
	});

	it('lets one of many edits of the same version through', async () => {
		const job = await newJob();
		const tries = await Promise.all(
			Array.from({ length: 8 }, (_, n) =>
				dev.call('PATCH', jobAt(job), { body: { title: `try ${String(n)}` }, headers: ifMatch('"v1"') }),
			),
		);
		expect(tries.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(412)]);
		const won = tries.find(({ status }) => status === 200);
		expect(await dev.ok('GET', jobAt(job))).toMatchObject({ title: won?.body.title, version: 2 });
		expect(
			await rows(
				"select id from audit_logs where object_type = 'Job' and object_id = ? and action = 'job.update'",
				job.id,
			),
		).toHaveLength(1);
	});

	it('writes nothing for an edit that changes nothing', async () => {
		const job = await newJob();
		const same = await dev.ok('PATCH', jobAt(job), { title: job.title }, ifMatch('"v1"'));
		expect(same).toMatchObject({ version: 1, updated_at: job.updated_at });
	});

	it('keeps what each edit changed, before and after', async () => {
		const job = await newJob();
		await dev.ok('PATCH', jobAt(job), { title: 'after', priority: 'low' }, ifMatch('"v1"'));
		const { items } = await admin.ok('GET', `/api/audit?object_type=Job&object_id=${String(job.id)}`);
		expect(items).toMatchObject([
			{
				action: 'job.update',
				user_id: dev.id,
				project_id: p,
				metadata: {
					version: 2,
					changes: { title: { from: job.title, to: 'after' }, priority: { from: 'normal', to: 'low' } },
				},
			},
			{ action: 'job.create' },
		]);
	});

	it('leaves nothing of a change without its audit row', async () => {
		const made = await rows(
			"select j.id from jobs j where j.project_id = ? and not exists (select 1 from audit_logs a where a.object_type = 'Job' and a.object_id = j.id and a.action = 'job.create')",
			p,
		);
		expect(await rows('select id from jobs where project_id = ?', p)).not.toEqual([]);
		expect(made).toEqual([]);
	});
});

describe('Idempotency-Key', () => {
	const path = () => `/api/projects/${String(p)}/jobs`;
	const key = () => ({ 'idempotency-key': crypto.randomUUID() });
	const count = async (title: string) => (await rows('select id from jobs where title = ?', title)).length;

	it('gives the same answer for the same request, and makes one row', async () => {
		const headers = key();
		const body = { title: fresh('once '), job_type: 'dev' };
		const first = await dev.call('POST', path(), { body, headers });
		const second = await dev.call('POST', path(), { body, headers });
		expect(second.status).toBe(201);
		expect(second.body).toEqual(first.body);
		expect(second.headers.get('etag')).toBe('"v1"');
		expect(second.headers.get('idempotency-replayed')).toBe('true');
		await dev.ok('PATCH', jobAt(first.body), { title: `${body.title} edited` }, ifMatch('"v1"'));
		expect((await dev.call('POST', path(), { body, headers })).body).toEqual(first.body);
		expect(await count(body.title)).toBe(0);
		expect(await count(`${body.title} edited`)).toBe(1);
	});

	it('refuses the key for another body or another address', async () => {
		const headers = key();
		const title = fresh('mismatch ');
		await dev.call('POST', path(), { body: { title, job_type: 'dev' }, headers });
		const other = await dev.call('POST', path(), { body: { title: `${title}b`, job_type: 'dev' }, headers });
		expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
		expect(await count(`${title}b`)).toBe(0);
		const elsewhere = await dev.call('POST', `/api/projects/${String(p)}/events`, {
			body: { title, start: '2026-12-01T00:00:00Z' },
			headers,
		});
		expect(elsewhere.status).toBe(422);
	});

	it('carries a request out once, however many come at the same time', async () => {
		const headers = key();
		const body = { title: fresh('race '), job_type: 'dev' };
		const tries = await Promise.all(Array.from({ length: 6 }, () => dev.call('POST', path(), { body, headers })));
		expect(await count(body.title)).toBe(1);
		for (const { status } of tries) expect([201, 409]).toContain(status);
		expect(tries.some(({ status }) => status === 201)).toBe(true);
		expect((await dev.call('POST', path(), { body, headers })).status).toBe(201);
	});

	it('is each person’s own', async () => {
		const headers = key();
		const body = { title: fresh('own '), job_type: 'dev' };
		const mine = await dev.call('POST', path(), { body, headers });
		const theirs = await admin.call('POST', path(), { body, headers });
		expect([mine.status, theirs.status]).toEqual([201, 201]);
		expect(theirs.body.id).not.toBe(mine.body.id);
	});

	it('does not keep a refusal: the request may be mended', async () => {
		const headers = key();
		const title = fresh('mended ');
		const refused = await dev.call('POST', path(), { body: { title, job_type: 'infra' }, headers });
		expect(refused.status).toBe(403);
		expect((await dev.call('POST', path(), { body: { title, job_type: 'dev' }, headers })).status).toBe(201);
	});

	it('gives no copy to who may no longer see the thing', async () => {
		const guest = await person('dev');
		const q = await project(admin, [[guest, 'contribute']]);
		const headers = key();
		const body = { title: 'x', job_type: 'dev' };
		const at = `/api/projects/${String(q)}/jobs`;
		expect((await guest.call('POST', at, { body, headers })).status).toBe(201);
		await env.DB.prepare('delete from project_groups where project_id = ?').bind(q).run();
		expect((await guest.call('POST', at, { body, headers })).status).toBe(404);
	});

	it('must be a key', async () => {
		for (const bad of ['x'.repeat(201), 'with space', 'é'])
			expect(
				(await dev.call('POST', path(), { body: { title: 'x', job_type: 'dev' }, headers: { 'idempotency-key': bad } }))
					.status,
			).toBe(400);
	});

	it('works for a run: a click sent twice is one run', async () => {
		const script = await dev.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await newJob({ script_ids: [script.id] });
		const headers = key();
		const a = await dev.call('POST', `${jobAt(job)}/runs`, { body: {}, headers });
		const b = await dev.call('POST', `${jobAt(job)}/runs`, { body: {}, headers });
		expect(b.body).toEqual(a.body);
		expect(await rows('select id from runs where job_id = ?', idOf(job))).toHaveLength(1);
	});
});
