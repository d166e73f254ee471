import { env } from 'cloudflare:workers';
import ICAL from 'ical.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { archiveRows } from '#domain/archive-rows.ts';
import { type Answer, type Caller, fresh, idOf, nobody, person, project } from './api-world.ts';
import { becomes } from './live-world.ts';
import { expectRefused, ifMatch } from './source-world.ts';

// What comes again: entries, jobs and freezes, in the calendar, at their times and where they hold things back.

type Row = Answer['body'];
let admin: Caller, dev: Caller, reader: Caller;
let p: number, other: number;

beforeAll(async () => {
	[admin, dev, reader] = await Promise.all([person('admin'), person('dev'), person('dev')]);
	p = await project(admin, [
		[dev, 'contribute'],
		[reader, 'read'],
	]);
	other = await project(admin);
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const iso = (ms: number) => new Date(ms).toISOString();
const inP = (path: string, of = p) => `/api/projects/${String(of)}/${path}`;
const weekly = (more: object = {}) => ({ rrule: 'FREQ=WEEKLY', time_zone: 'Europe/Paris', ...more });
/** Nine in Paris, on a Wednesday, a week and a half before clocks are moved. */
const meeting = (more: object = {}) => ({
	title: fresh('meeting '),
	start: '2031-03-19T08:00:00.000Z',
	end: '2031-03-19T09:00:00.000Z',
	event_type: 'meeting',
	recurrence: weekly(),
	...more,
});
interface Entry {
	id: string;
	start: string;
	end: string | null;
	editable: boolean;
	extendedProps: Record<string, unknown>;
}
const calendar = async (start: string, end: string, of = p, who = admin) =>
	(await who.ok('GET', `/api/calendar?start=${start}&end=${end}&project_id=${String(of)}`)) as unknown as Entry[];

describe('an entry that recurs', () => {
	it('is shown each time, at its hour on both sides of a change of clocks, and is not dragged', async () => {
		const mine = await project(admin);
		const environment = await admin.ok('POST', inP('environments', mine), { name: 'e', type: 'dev' });
		const event = await admin.ok(
			'POST',
			inP('events', mine),
			meeting({ environment_id: environment.id, attendees: [dev.id], recurrence: weekly({ exdates: ['2031-04-09'] }) }),
		);
		expect(event).toMatchObject({
			environment_id: environment.id,
			attendees: [dev.id],
			recurrence: { rrule: 'FREQ=WEEKLY', time_zone: 'Europe/Paris', exdates: ['2031-04-09'] },
			recurs_until: null,
			extendedProps: { conflict: false },
		});
		const entries = await calendar('2031-03-20', '2031-04-20', mine);
		expect(entries.map(({ start, end }) => [start, end])).toEqual([
			['2031-03-26T08:00:00.000Z', '2031-03-26T09:00:00.000Z'],
			['2031-04-02T07:00:00.000Z', '2031-04-02T08:00:00.000Z'],
			['2031-04-16T07:00:00.000Z', '2031-04-16T08:00:00.000Z'],
		]);
		expect(new Set(entries.map(({ id }) => id)).size).toBe(3);
		for (const entry of entries)
			expect(entry).toMatchObject({
				id: `${String(idOf(event))}@${entry.start}`,
				editable: false,
				extendedProps: {
					conflict: false,
					event_id: event.id,
					environment_id: environment.id,
					attendees: [dev.id],
					recurrence: event.recurrence,
				},
			});
		expect(await calendar('2031-01-01', '2031-03-01', mine)).toEqual([]);
		// What hangs on the environment keeps it.
		const { status, body } = await admin.call('DELETE', `/api/environments/${String(idOf(environment))}`, {
			headers: ifMatch(environment),
		});
		expect([status, String(body.detail)]).toEqual([409, expect.stringContaining('events (1)')]);
	});

	it('is changed as a whole: moved, ended, and made to come once again', async () => {
		const mine = await project(admin);
		let event = await admin.ok('POST', inP('events', mine), meeting());
		const patch = async (fields: object) =>
			(event = await admin.ok('PATCH', `/api/events/${String(idOf(event))}`, fields, ifMatch(event)));
		const days = async () => (await calendar('2031-03-01', '2031-04-20', mine)).map(({ start }) => start.slice(5, 16));
		await patch({ start: '2031-03-20T13:00:00.000Z', end: '2031-03-20T14:30:00.000Z' });
		expect(await days()).toEqual(['03-20T13:00', '03-27T13:00', '04-03T12:00', '04-10T12:00', '04-17T12:00']);
		await patch({ recurrence: weekly({ rrule: 'FREQ=WEEKLY;COUNT=3' }) });
		expect(event.recurs_until).toBe('2031-04-03T13:30:00.000Z');
		expect(await days()).toEqual(['03-20T13:00', '03-27T13:00', '04-03T12:00']);
		expect(await calendar('2031-04-04', '2032-01-01', mine)).toEqual([]);
		await patch({ recurrence: null });
		expect(event).toMatchObject({ recurrence: null, recurs_until: null });
		expect(await days()).toEqual(['03-20T13:00']);
	});

	it('is refused, by the field, where its rule, its place or its people make no sense', async () => {
		const elsewhere = await admin.ok('POST', inP('environments', other), { name: fresh('e'), type: 'dev' });
		const rule = (rrule: string, more: object = {}) => meeting({ recurrence: weekly({ rrule }), ...more });
		const gone = await person('dev');
		await env.DB.prepare('update users set is_active = 0 where id = ?').bind(gone.id).run();
		await expectRefused(dev, inP('events'), [
			[rule('FREQ=SECONDLY'), 'recurrence.rrule'],
			[rule('FREQ=MINUTELY;INTERVAL=59'), 'recurrence.rrule'],
			[rule('FREQ=WEEKLY;BYDAY=MO'), 'recurrence.rrule'],
			[rule('FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2'), 'recurrence.rrule'],
			[rule('FREQ=DAILY;COUNT=99999'), 'recurrence.rrule'],
			[rule('FREQ=DAILY;UNTIL=20000101'), 'recurrence.rrule'],
			[rule('x'.repeat(400)), 'recurrence.rrule'],
			[rule('FREQ=DAILY', { end: '2031-03-20T08:00:00.001Z' }), 'end'],
			[rule('FREQ=DAILY', { start: '0001-01-01T00:00:00Z', end: null }), 'start'],
			[meeting({ recurrence: weekly({ time_zone: 'Paris' }) }), 'recurrence.time_zone'],
			[meeting({ recurrence: { rrule: 'FREQ=DAILY' } }), 'recurrence.time_zone'],
			[meeting({ recurrence: weekly({ exdates: ['tomorrow'] }) }), 'recurrence.exdates.0'],
			[meeting({ recurrence: weekly({ dtstart: 'x' }) }), 'recurrence'],
			[meeting({ recurrence: 'FREQ=DAILY' }), 'recurrence'],
			[meeting({ environment_id: elsewhere.id }), 'environment_id'],
			[meeting({ attendees: [dev.id, 2_000_000_000] }), 'attendees.1'],
			[meeting({ attendees: [gone.id] }), 'attendees.0'],
			[meeting({ attendees: [dev.id, dev.id] }), 'attendees'],
			[meeting({ attendees: Array.from({ length: 51 }, (_, n) => n + 1) }), 'attendees'],
			[meeting({ recurs_until: null }), ''],
		]);
		const event = await dev.ok('POST', inP('events'), meeting());
		expect(
			await dev.call('PATCH', `/api/events/${String(idOf(event))}`, {
				body: { recurrence: weekly({ rrule: 'FREQ=WEEKLY;BYDAY=FR' }) },
				headers: ifMatch(event),
			}),
		).toMatchObject({ status: 400, body: { errors: [{ path: 'recurrence.rrule' }] } });
		expect((await reader.call('POST', inP('events'), { body: meeting() })).status).toBe(403);
	});

	it('cannot be so many that nobody could look at them', async () => {
		const mine = await project(admin);
		await env.DB.prepare(
			`with recursive n(i) as (select 1 union all select i + 1 from n where i < 40)
			insert into events (project_id, title, start, "end", event_type, recurrence, created_at, updated_at)
			select ?, 'x', ?, null, 'other', ?, 0, 0 from n`,
		)
			.bind(mine, Date.parse('2031-01-01T00:00:00Z'), JSON.stringify(weekly({ rrule: 'FREQ=HOURLY', exdates: [] })))
			.run();
		const at = `/api/calendar?project_id=${String(mine)}&start=2031-02-01`;
		expect(await admin.call('GET', `${at}&end=2031-03-15`)).toMatchObject({
			status: 400,
			body: { errors: [{ path: 'end' }] },
		});
		expect((await calendar('2031-02-01', '2031-02-02', mine)).length).toBe(40 * 24);
	});

	it('names a person who then is not deleted', async () => {
		const guest = await person('dev');
		await dev.ok('POST', inP('events'), meeting({ attendees: [guest.id] }));
		const { version } = await admin.ok('GET', `/api/users/${String(guest.id)}`);
		const { status, body } = await admin.call('DELETE', `/api/users/${String(guest.id)}`, {
			headers: { 'if-match': `"v${String(version)}"` },
		});
		expect([status, String(body.detail)]).toEqual([409, expect.stringContaining('events.attendees')]);
	});

	it('is told to other calendars time by time, and freezes too', async () => {
		const mine = await project(admin);
		const start = iso(Math.floor((Date.now() + DAY) / 1000) * 1000);
		const end = iso(Date.parse(start) + HOUR);
		const event = await admin.ok('POST', inP('events', mine), meeting({ start, end, recurrence: weekly() }));
		await admin.ok('POST', '/api/freezes', {
			...{ project_id: mine, title: 'nights', reason: 'r', start, end },
			recurrence: weekly({ rrule: 'FREQ=DAILY;COUNT=5' }),
		});
		const { calendar_url } = await admin.ok('POST', '/api/me/feed', {});
		const { body } = await nobody('GET', String(calendar_url).replace('http://hub.test', ''));
		const all = new ICAL.Component(ICAL.parse(String(body.text)))
			.getAllSubcomponents('vevent')
			.map((part) => new ICAL.Event(part));
		const mineOf = (what: string) => all.filter(({ uid }) => uid.startsWith(what));
		const times = mineOf(`event-${String(idOf(event))}-`);
		expect(times.length).toBeGreaterThan(50);
		expect(times.slice(0, 2).map((one) => one.startDate.toJSDate().toISOString())).toEqual(
			(await calendar(iso(Date.now()), iso(Date.now() + 12 * DAY), mine)).map((one) => one.start),
		);
		expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
		expect(mineOf('freeze-').filter(({ summary }) => summary.includes('nights'))).toHaveLength(5);
	});
});

describe('a job that recurs', () => {
	it('is in the calendar each time, and says which of them start by themselves', async () => {
		const mine = await project(admin);
		const at = (hour: string) => `2031-03-19T${hour}:00:00.000Z`;
		const job = await admin.ok('POST', inP('jobs', mine), {
			...{ title: fresh('job'), job_type: 'dev', auto_start: true },
			...{ planned_start: at('08'), planned_end: at('09'), recurrence: weekly() },
		});
		const entries = await calendar('2031-03-15', '2031-04-05', mine);
		expect(entries.map(({ start }) => start)).toEqual([
			at('08'),
			'2031-03-26T08:00:00.000Z',
			'2031-04-02T07:00:00.000Z',
		]);
		for (const { extendedProps } of entries)
			expect(extendedProps).toMatchObject({ job_id: job.id, auto_start: true, recurrence: job.recurrence });
		const event = await admin.ok('GET', `/api/events/${String(entries[0]?.extendedProps.event_id)}`);
		const moved = { start: at('10'), end: at('11') };
		await admin.ok('PATCH', `/api/events/${String(idOf(event))}`, moved, ifMatch(event));
		const after = await admin.ok('GET', `/api/jobs/${String(idOf(job))}`);
		expect(after).toMatchObject({ planned_start: at('10'), planned_end: at('11'), next_start: at('10') });
		const whole = await admin.call('PATCH', `/api/events/${String(idOf(event))}`, {
			body: { recurrence: null },
			headers: ifMatch(await admin.ok('GET', `/api/events/${String(idOf(event))}`)),
		});
		expect(whole).toMatchObject({ status: 400, body: { errors: [{ path: 'recurrence' }] } });
		await expectRefused(admin, inP('jobs', mine), [
			[{ title: 'x', job_type: 'dev', recurrence: weekly() }, 'recurrence'],
			[
				{ title: 'x', job_type: 'dev', planned_start: at('08'), recurrence: weekly({ rrule: 'FREQ=SECONDLY' }) },
				'recurrence.rrule',
			],
			[
				{
					title: 'x',
					job_type: 'dev',
					planned_start: at('08'),
					planned_end: '2031-03-28T08:00:00Z',
					recurrence: weekly(),
				},
				'planned_end',
			],
			[{ title: 'x', job_type: 'dev', next_start: at('08') }, ''],
		]);
		// Somebody else's rights are lent to none of its times.
		const body = { title: 'x', job_type: 'dev', owner_id: admin.id, auto_start: true, planned_start: at('08') };
		const lent = await dev.call('POST', inP('jobs'), { body: { ...body, recurrence: weekly() } });
		expect(lent.status).toBe(403);
	});
});

describe('a freeze that recurs', () => {
	const state = (at: string, of: number) => admin.ok('GET', `/api/calendar/state?project_id=${String(of)}&at=${at}`);
	/** Nights in Paris, from ten to six. */
	const nights = (of: number, more: object = {}) => ({
		...{ project_id: of, title: 'nights', reason: 'people sleep' },
		...{ start: '2031-03-01T21:00:00.000Z', end: '2031-03-02T05:00:00.000Z' },
		recurrence: { rrule: 'FREQ=DAILY', time_zone: 'Europe/Paris' },
		...more,
	});

	it('closes each time, and the state says when that changes', async () => {
		const mine = await project(admin);
		await admin.ok('POST', '/api/freezes', nights(mine));
		expect(await state('2031-03-10T22:00:00Z', mine)).toEqual({
			...{ open: false, reason: 'nights', next_transition: '2031-03-11T05:00:00.000Z' },
		});
		expect(await state('2031-06-10T12:00:00Z', mine)).toEqual({
			...{ open: true, reason: null, next_transition: '2031-06-10T20:00:00.000Z' },
		});
		const times = await admin.ok(
			'GET',
			`/api/calendar/freezes?start=2031-03-29&end=2031-03-31&project_id=${String(mine)}`,
		);
		expect((times as unknown as { start: string; end: string }[]).map(({ start, end }) => [start, end])).toEqual([
			['2031-03-28T21:00:00.000Z', '2031-03-29T05:00:00.000Z'],
			['2031-03-29T21:00:00.000Z', '2031-03-30T04:00:00.000Z'],
			['2031-03-30T20:00:00.000Z', '2031-03-31T04:00:00.000Z'],
		]);
		const ids = async (query: string) =>
			((await admin.ok('GET', `/api/freezes?project_id=${String(mine)}&${query}`)).items as Row[]).length;
		expect(await ids('active_at=2033-01-01T23:00:00Z')).toBe(1);
		expect(await ids('active_at=2033-01-01T12:00:00Z')).toBe(0);
		expect(await ids('from=2040-01-01T00:00:00Z')).toBe(1);
	});

	it('that leaves no gap is on for longer than is known; one that is over holds nothing', async () => {
		const mine = await project(admin);
		const always = await admin.ok('POST', '/api/freezes', nights(mine, { end: '2031-03-02T21:00:00.000Z' }));
		expect(await state('2031-03-10T12:00:00Z', mine)).toMatchObject({ open: false, next_transition: null });
		const ended = { recurrence: { rrule: 'FREQ=DAILY;COUNT=3', time_zone: 'Europe/Paris' } };
		const after = await admin.ok('PATCH', `/api/freezes/${String(idOf(always))}`, ended, ifMatch(always));
		expect(after.recurs_until).toBe('2031-03-04T21:00:00.000Z');
		expect(await state('2031-03-10T12:00:00Z', mine)).toEqual({ open: true, reason: null, next_transition: null });
		expect((await admin.ok('GET', `/api/freezes?project_id=${String(mine)}&from=2031-03-05T00:00:00Z`)).items).toEqual(
			[],
		);
	});

	it('holds back what is dispatched while it is on, says until when, and is broken as any', async () => {
		const mine = await project(admin);
		const begin = Math.floor(Date.now() / 1000) * 1000 - HOUR - 3 * DAY;
		await admin.ok('POST', '/api/freezes', {
			...nights(mine, { start: iso(begin), end: iso(begin + 2 * HOUR) }),
			recurrence: { rrule: 'FREQ=DAILY', time_zone: 'UTC' },
		});
		const script = await admin.ok('POST', inP('scripts', mine), {
			...{ tool: 'shell', name: fresh('s'), location_type: 'uploaded', content: 'true\n' },
		});
		const job = await admin.ok('POST', inP('jobs', mine), { title: 'x', job_type: 'dev', script_ids: [script.id] });
		const run = await admin.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
		await becomes(idOf(run), {
			status: 'queued',
			reason: expect.stringContaining(`Frozen until ${iso(begin + 3 * DAY + 2 * HOUR)}: nights`),
		});
		const broken = await admin.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, { break_freeze: 'it cannot wait' });
		await becomes(idOf(broken), { reason: expect.stringContaining('"no_agent"') });
	});
});

describe('25: what recurs in an archive', () => {
	it('is taken as the hub would have made it, and refused by the field where it would not', async () => {
		const event = await admin.ok(
			'POST',
			inP('events'),
			meeting({ recurrence: weekly({ rrule: 'FREQ=WEEKLY;COUNT=2' }) }),
		);
		const { Event, Job } = archiveRows;
		const fault = (row: object, of: typeof Event | typeof Job = Event) =>
			of.safeParse(row).error?.issues[0]?.path.join('.');
		expect(fault(event)).toBeUndefined();
		expect(fault({ ...event, recurs_until: null })).toBe('recurs_until');
		expect(fault({ ...event, recurrence: weekly({ time_zone: 'Mars/Olympus' }) })).toBe('recurrence.time_zone');
		expect(fault({ ...event, recurrence: weekly({ rrule: 'FREQ=SECONDLY' }) })).toBe('recurrence.rrule');
		expect(fault({ ...event, recurrence: weekly({ rrule: 'FREQ=WEEKLY;BYDAY=MO', exdates: [] }) })).toBe(
			'recurrence.rrule',
		);
		const made = await admin.ok('POST', inP('jobs'), {
			...{ title: 'x', job_type: 'dev', planned_start: event.start, recurrence: weekly(), auto_start: true },
		});
		const job = Object.fromEntries(Object.entries(made).filter(([name]) => name !== 'script_ids'));
		expect(fault(job, Job)).toBeUndefined();
		expect(fault({ ...job, recurrence: null }, Job)).toBe('next_start');
		expect(fault({ ...job, planned_start: null, next_start: null }, Job)).toBe('recurrence');
	});
});
