import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Answer, type Caller, fresh, idOf, person, project } from './api-world.ts';
import { expectFields, expectRefused, ifMatch } from './source-world.ts';

// Freezes: whose they are, what they hold, what the calendar says of them, and what it takes to break one.

type Row = Answer['body'];
let admin: Caller, owner: Caller, dev: Caller, ops: Caller, manager: Caller, stranger: Caller;
let p: number, other: number, prod: Row;

beforeAll(async () => {
	[admin, owner, dev, ops, manager, stranger] = await Promise.all([
		person('admin'),
		person('projets'),
		person('dev'),
		person('ops'),
		person('ops'),
		person('projets'),
	]);
	p = await project(owner, [
		[dev, 'manage'],
		[ops, 'operate'],
		[manager, 'manage'],
	]);
	other = await project(admin);
	prod = await owner.ok('POST', `/api/projects/${String(p)}/environments`, { name: 'prod', type: 'prod' });
});
beforeEach(() => env.DB.exec('delete from freezes'));

const HOUR = 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();
const T0 = Date.parse('2030-01-01T00:00:00Z');
const body = (fields: object = {}) => ({
	project_id: p,
	title: fresh('freeze '),
	reason: 'payday',
	start: iso(T0),
	end: iso(T0 + HOUR),
	...fields,
});
const freeze = (fields: object = {}, who = admin) => who.ok('POST', '/api/freezes', body(fields));
const at = (row: Row) => `/api/freezes/${String(idOf(row))}`;
const ids = async (query: string, who = dev) =>
	((await who.ok('GET', `/api/freezes${query}`)).items as Row[]).map(({ id }) => id);
const on = (hours = 1) => ({ start: iso(Date.now() - HOUR), end: iso(Date.now() + hours * HOUR) });

describe('a freeze', () => {
	it('has its fields, of a project, of an environment, of everything', async () => {
		for (const fields of [{}, { environment_id: prod.id }, { project_id: null }]) {
			const made = await freeze(fields);
			expectFields(made, { title: 'str', reason: 'str', start: 'datetime', end: 'datetime', version: 'int' });
			expect(made).toMatchObject({ project_id: p, environment_id: null, ...fields });
			expect(await admin.ok('GET', at(made))).toEqual(made);
		}
	});

	it('is refused where it makes no sense, and nothing is made', async () => {
		const elsewhere = await admin.ok('POST', `/api/projects/${String(other)}/environments`, { name: 'e', type: 'dev' });
		await expectRefused(admin, '/api/freezes', [
			[body({ project_id: undefined }), 'project_id'],
			[body({ end: iso(T0) }), 'end'],
			[body({ end: iso(T0 - 1) }), 'end'],
			[body({ end: iso(T0 + 367 * 24 * HOUR) }), 'end'],
			[body({ reason: ' ' }), 'reason'],
			[body({ title: '' }), 'title'],
			[body({ start: 'tomorrow' }), 'start'],
			[body({ environment_id: elsewhere.id }), 'environment_id'],
			[body({ project_id: null, environment_id: prod.id }), 'environment_id'],
			[body({ recurrence: 'FREQ=DAILY' }), 'recurrence'],
			[body({ recurrence: { rrule: 'FREQ=SECONDLY', time_zone: 'UTC' } }), 'recurrence.rrule'],
			[body({ recurrence: { rrule: 'FREQ=HOURLY', time_zone: 'UTC' }, end: iso(T0 + 2 * HOUR) }), 'end'],
			[body({ recurs_until: iso(T0) }), ''],
		]);
		expect((await owner.call('POST', '/api/freezes', { body: body({ project_id: 2_000_000_000 }) })).status).toBe(404);
	});

	it('of everything is an admin’s to make, move and lift, and everybody’s to see', async () => {
		const made = await freeze({ project_id: null });
		const headers = ifMatch(made);
		for (const who of [owner, dev, manager, stranger]) {
			expect(await who.call('POST', '/api/freezes', { body: body({ project_id: null }) })).toMatchObject({
				status: 403,
				body: { detail: expect.stringContaining('freeze.everywhere') },
			});
			expect((await who.call('PATCH', at(made), { body: { title: 'x' }, headers })).status).toBe(403);
			expect((await who.call('DELETE', at(made), { headers })).status).toBe(403);
			expect(await who.ok('GET', at(made))).toEqual(made);
		}
		expect((await admin.call('DELETE', at(made), { headers })).status).toBe(204);
	});

	it('of a project is not there for a stranger, and changes hands with its version', async () => {
		const made = await freeze({}, owner);
		for (const method of ['GET', 'PATCH', 'DELETE'])
			expect(
				(await stranger.call(method, at(made), { ...(method === 'PATCH' && { body: {} }), headers: ifMatch(made) }))
					.status,
				method,
			).toBe(404);
		const moved = await owner.ok('PATCH', at(made), { end: iso(T0 + 2 * HOUR) }, ifMatch(made));
		expect(moved).toMatchObject({ version: 2, end: iso(T0 + 2 * HOUR) });
		expect(await owner.call('PATCH', at(made), { body: { title: 'x' }, headers: ifMatch(made) })).toMatchObject({
			status: 412,
			body: { current: { version: 2 }, changed: [{ field: 'end', by_id: owner.id }] },
		});
		for (const [change, path] of [
			[{ start: iso(T0 + 3 * HOUR) }, 'end'],
			[{ end: iso(T0 + 400 * 24 * HOUR) }, 'end'],
			[{ environment_id: 2_000_000_000 }, 'environment_id'],
			[{ project_id: null }, ''],
		] as const)
			expect(await owner.call('PATCH', at(made), { body: change, headers: ifMatch(moved) })).toMatchObject({
				status: 400,
				body: { errors: [{ path }] },
			});
		expect((await owner.call('DELETE', at(made), { headers: ifMatch(moved) })).status).toBe(204);
		const { items } = await admin.ok('GET', `/api/audit?object_type=Freeze&object_id=${String(idOf(made))}`);
		expect((items as { action: string }[]).map(({ action }) => action)).toEqual([
			'freeze.delete',
			'freeze.update',
			'freeze.create',
		]);
	});

	it('keeps its environment', async () => {
		const made = await owner.ok('POST', `/api/projects/${String(p)}/environments`, { name: fresh('e'), type: 'dev' });
		await freeze({ environment_id: made.id });
		expect(
			await owner.call('DELETE', `/api/environments/${String(idOf(made))}`, { headers: ifMatch(made) }),
		).toMatchObject({ status: 409, body: { errors: [{ path: 'freezes', message: '1' }] } });
	});

	it('is listed by project, environment and moment; those of hidden projects are not', async () => {
		const [a, b, c, d] = [
			await freeze(),
			await freeze({ environment_id: prod.id, start: iso(T0 + HOUR), end: iso(T0 + 2 * HOUR) }),
			await freeze({ project_id: null, start: iso(T0 + 2 * HOUR), end: iso(T0 + 3 * HOUR) }),
			await freeze({ project_id: other }),
		].map(idOf);
		expect(await ids('')).toEqual([a, b, c]);
		expect(await ids('', admin)).toEqual([a, d, b, c]);
		expect(await ids(`?project_id=${String(p)}`)).toEqual([a, b]);
		expect(await ids('?project_id=none')).toEqual([c]);
		expect(await ids(`?environment_id=${String(prod.id)}`)).toEqual([b]);
		expect(await ids(`?active_at=${iso(T0 + HOUR)}`)).toEqual([b]);
		expect(await ids(`?active_at=${iso(T0 + HOUR - 1)}`)).toEqual([a]);
		expect(await ids(`?from=${iso(T0 + HOUR)}`)).toEqual([b, c]);
		expect((await dev.call('GET', `/api/freezes?project_id=${String(other)}`)).status).toBe(404);
		expect((await dev.call('GET', '/api/freezes?project_id=all')).status).toBe(400);
		const first = await dev.ok('GET', '/api/freezes?limit=2');
		expect(await ids(`?limit=2&cursor=${String(first.next_cursor)}`)).toEqual([c]);
	});
});

describe('the state of the calendar', () => {
	const state = async (ms: number, more = '', who = dev) =>
		who.ok('GET', `/api/calendar/state?project_id=${String(p)}&at=${iso(ms)}${more}`);

	it('is open, then closed with its reasons, then open', async () => {
		await freeze({ title: 'A' });
		await freeze({ title: 'B', project_id: null, start: iso(T0 + HOUR / 2), end: iso(T0 + 2 * HOUR) });
		const inProd = `&environment_id=${String(prod.id)}`;
		await freeze({ title: 'C', environment_id: prod.id, start: iso(T0 + 2 * HOUR), end: iso(T0 + 3 * HOUR) });
		expect(await state(T0 - 1)).toEqual({ open: true, reason: null, next_transition: iso(T0) });
		expect(await state(T0)).toEqual({ open: false, reason: 'A', next_transition: iso(T0 + 2 * HOUR) });
		expect(await state(T0, inProd)).toEqual({ open: false, reason: 'A', next_transition: iso(T0 + 3 * HOUR) });
		expect(await state(T0 + HOUR / 2)).toMatchObject({ reason: 'A · B' });
		expect(await state(T0 + 2 * HOUR)).toEqual({ open: true, reason: null, next_transition: null });
		expect(await state(T0 + 2 * HOUR, inProd)).toMatchObject({ open: false, reason: 'C' });
		expect(await dev.ok('GET', `/api/calendar/state?at=${iso(T0)}`)).toMatchObject({ open: true });
		expect(await dev.ok('GET', '/api/calendar/state')).toEqual({
			open: true,
			reason: null,
			next_transition: iso(T0 + HOUR / 2),
		});
	});

	it('is of what one may see', async () => {
		expect((await stranger.call('GET', `/api/calendar/state?project_id=${String(p)}`)).status).toBe(404);
		for (const [query, path] of [
			[`?environment_id=${String(prod.id)}`, 'project_id'],
			[`?project_id=${String(p)}&environment_id=2000000000`, 'environment_id'],
			['?at=now', 'at'],
		])
			expect(await dev.call('GET', `/api/calendar/state${String(query)}`)).toMatchObject({
				status: 400,
				body: { errors: [{ path }] },
			});
	});
});

describe('breaking a freeze', () => {
	const job = async () => {
		const script = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const made = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: fresh('j'),
			job_type: 'dev',
			script_ids: [script.id],
		});
		return `/api/jobs/${String(idOf(made))}/runs`;
	};
	const runs = async () => env.DB.prepare('select count(*) as n from runs').first<number>('n');

	it('is for admin, and for ops who manage the project, with a reason and an audit row of its own', async () => {
		const made = await freeze(on());
		const path = await job();
		for (const who of [admin, manager]) {
			const run = await who.ok('POST', path, { break_freeze: 'the site is down' });
			expect(run).toMatchObject({ status: 'queued', break_freeze: 'the site is down' });
			const { items } = await admin.ok('GET', `/api/audit?object_type=Run&object_id=${String(idOf(run))}`);
			expect(items).toMatchObject([
				{
					action: 'freeze.break',
					user_id: who.id,
					project_id: p,
					metadata: { reason: 'the site is down', freezes: [{ id: made.id, title: made.title }] },
				},
				{ action: 'run.start' },
			]);
		}
		const before = await runs();
		for (const who of [ops, dev, owner])
			expect(await who.call('POST', path, { body: { break_freeze: 'me too' } })).toMatchObject({
				status: 403,
				body: { detail: expect.stringContaining('freeze.break') },
			});
		for (const bad of ['', '  ', null, 5, 'x'.repeat(501)])
			expect((await admin.call('POST', path, { body: { break_freeze: bad } })).status).toBe(400);
		expect(await runs()).toBe(before);
	});

	it('needs something to break', async () => {
		await freeze({ ...on(), environment_id: prod.id });
		await freeze();
		const path = await job();
		expect((await admin.call('POST', path, { body: { break_freeze: 'x' } })).status).toBe(409);
		expect((await admin.call('POST', path, { body: { break_freeze: 'x', environment_id: prod.id } })).status).toBe(201);
	});

	it('is not handed on to the next attempt', async () => {
		await freeze(on());
		const run = await admin.ok('POST', await job(), { break_freeze: 'now' });
		await env.DB.prepare("update runs set status = 'failed', phase = 'done' where id = ?").bind(idOf(run)).run();
		expect(await admin.ok('POST', `/api/runs/${String(idOf(run))}/retry`)).toMatchObject({ break_freeze: null });
	});
});
