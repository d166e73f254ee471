import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import ICAL from 'ical.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { calendarOf, folded } from '#worker/services/feeds/ical.ts';
import { type Caller, fresh, idOf, nobody, person, project } from './api-world.ts';

// What calendars, readers and Prometheus subscribe to.

let admin: Caller, dev: Caller;
let p: number, hidden: number;

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'read']]);
	hidden = await project(admin);
});

const soon = (hours: number) => new Date(Math.floor(Date.now() / 1000) * 1000 + hours * 3_600_000).toISOString();
const event = (fields: object, of = p) =>
	admin.ok('POST', `/api/projects/${String(of)}/events`, fields as Record<string, unknown>);
const pathOf = (url: unknown) => String(url).replace('http://hub.test', '');
async function feed(who: Caller) {
	const made = await who.ok('POST', '/api/me/feed', {});
	return { calendar: pathOf(made.calendar_url), incidents: pathOf(made.incidents_url) };
}
async function read(path: string) {
	const { status, headers, body } = await nobody('GET', path);
	return { status, type: headers.get('content-type'), text: String(body.text) };
}
const eventsIn = (text: string) =>
	new ICAL.Component(ICAL.parse(text)).getAllSubcomponents('vevent').map((part) => new ICAL.Event(part));

describe('how the hub is', () => {
	it('is the same in numbers as the metrics say, and for admins', async () => {
		await event({ title: 'to be sealed', start: soon(1) });
		const status = await admin.ok('GET', '/api/hub/status');
		const { body } = await admin.call('GET', '/metrics');
		const metric = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(String(body.text))?.[1]);
		expect(status).toMatchObject({
			runs: { queued: metric('uhub_runs\\{status="queued"\\}'), oldest_queued_at: null },
			agents: { online: metric('uhub_agents\\{status="online"\\}') },
			audit: { unsealed: metric('uhub_audit_unsealed') },
			people: { active: 2, sessions: 2, tokens: 0 },
		});
		expect(status.record_bytes).toBeGreaterThan(0);
		expect((status.audit as { oldest_unsealed_at: string }).oldest_unsealed_at).toMatch(/Z$/);
		expect((await dev.call('GET', '/api/hub/status')).status).toBe(403);
	});
});

describe('the calendar to subscribe to', () => {
	it('has what the person may see, as a calendar program reads it', async () => {
		const title = 'Patch; then, "reboot" \\ ünïcödé ' + '雪'.repeat(40);
		const timed = await event({ title, start: soon(1), end: soon(3), event_type: 'maintenance' });
		const whole = await event({
			title: 'All day',
			start: '2026-12-24T00:00:00Z',
			end: '2026-12-26T00:00:00Z',
			all_day: true,
		});
		await event({ title: 'hidden-needle', start: soon(1) }, hidden);
		const freeze = await admin.ok('POST', '/api/freezes', {
			project_id: null,
			title: 'Xmas',
			reason: 'r',
			start: soon(5),
			end: soon(6),
		});
		const { calendar } = await feed(dev);
		const { status, type, text } = await read(calendar);
		expect([status, type]).toEqual([200, 'text/calendar; charset=utf-8']);
		expect(text).not.toContain('hidden-needle');
		for (const line of text.split('\r\n')) expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(75);
		expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
		const all = new Map(eventsIn(text).map((one) => [one.uid, one]));
		const one = all.get(`event-${String(idOf(timed))}@hub.test`);
		expect(one?.summary).toMatch(new RegExp(`: Patch; then, "reboot" .* ünïcödé 雪{40}$`));
		expect(one?.startDate.toJSDate().toISOString()).toBe(timed.start);
		expect(one?.endDate.toJSDate().toISOString()).toBe(timed.end);
		const day = all.get(`event-${String(idOf(whole))}@hub.test`);
		expect([day?.startDate.isDate, day?.startDate.toString(), day?.endDate.toString()]).toEqual([
			true,
			'2026-12-24',
			'2026-12-26',
		]);
		expect(all.get(`freeze-${String(idOf(freeze))}@hub.test`)?.summary).toBe('❄ Xmas');

		const moved = await admin.ok(
			'PATCH',
			`/api/events/${String(idOf(timed))}`,
			{ title: 'Moved' },
			{ 'if-match': '"v1"' },
		);
		const again = eventsIn((await read(calendar)).text).find(({ uid }) => uid === one?.uid);
		expect([again?.summary, again?.sequence]).toEqual([expect.stringMatching(/: Moved$/), Number(moved.version) - 1]);
	});

	it('keeps what is nearest where there is too much, and not what is oldest', async () => {
		const q = await project(admin, [[dev, 'read']]);
		const reader = await person('dev');
		await env.DB.prepare(
			'insert into group_users (group_id, user_id, created_at, updated_at) select group_id, ?1, 0, 0 from project_groups where project_id = ?2',
		)
			.bind(reader.id, q)
			.run();
		await env.DB.prepare(
			`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 5050)
				insert into events (project_id, title, start, event_type, created_at, updated_at)
				select ?1, 'long ago ' || n, ?2 + n * 1000, 'meeting', 0, 0 from numbers`,
		)
			.bind(q, Date.now() - 50 * 86_400_000)
			.run();
		await event({ title: 'in an hour', start: soon(1) }, q);
		await event({ title: 'in three hundred days', start: soon(300 * 24) }, q);
		const { text } = await read((await feed(reader)).calendar);
		expect(text.match(/BEGIN:VEVENT/g)).toHaveLength(5000);
		expect(text).toContain('in an hour');
		expect(text).toContain('long ago 5050');
		expect(text).not.toContain('in three hundred days');
		expect(text).not.toMatch(/long ago 1\r/);
		const starts = [...text.matchAll(/DTSTART:(\S+)/g)].map(([, start]) => start);
		expect(starts).toEqual(starts.toSorted());
	});

	it('says whatever is in a title, whole', () => {
		const texts = fc.string({ unit: 'grapheme', maxLength: 200 });
		fc.assert(
			fc.property(texts, (title) => {
				const entry = { uid: 'u', title, start: soon(0), end: null, all_day: false, status: 'CONFIRMED' as const };
				const text = calendarOf('n', [
					{ ...entry, categories: [title], url: 'https://x.test/', version: 1, updated_at: soon(0) },
				]);
				expect(eventsIn(text)[0]?.summary).toBe(title);
				expect(folded(title).replaceAll('\r\n ', '')).toBe(`${title}\r\n`);
			}),
		);
	});

	it('4: is read by its address alone, until that is renewed or revoked or its person is gone', async () => {
		const leaver = await person('dev');
		const first = await feed(leaver);
		expect(await leaver.ok('GET', '/api/me/feed')).toMatchObject({ feed: { last_used_at: null } });
		expect((await read(first.calendar)).status).toBe(200);
		const kept = JSON.stringify((await env.DB.prepare('select * from feeds').all()).results);
		expect(kept).not.toContain(first.calendar.split('token=')[1]);
		const second = await feed(leaver);
		expect((await read(first.calendar)).status).toBe(404);
		expect((await read(second.incidents)).status).toBe(200);
		await env.DB.prepare('update users set is_active = 0 where id = ?').bind(leaver.id).run();
		expect((await read(second.calendar)).status).toBe(404);
		await env.DB.prepare('update users set is_active = 1 where id = ?').bind(leaver.id).run();
		expect((await leaver.call('DELETE', '/api/me/feed')).status).toBe(204);
		expect((await read(second.calendar)).status).toBe(404);
		expect(await leaver.ok('GET', '/api/me/feed')).toEqual({ feed: null });
		for (const bad of ['', '?token=', '?token=x&more=1', `?token=${'x'.repeat(101)}`])
			expect((await read(`/api/calendar.ics${bad}`)).status, bad).toBe(400);
	});
});

describe('the incidents to subscribe to', () => {
	it('12: are Atom, with whatever is in a title told as text', async () => {
		const title = '<script>alert(1)</script> & "co"';
		const incident = await admin.ok('POST', `/api/projects/${String(p)}/incidents`, { title, severity: 'high' });
		await admin.ok('POST', `/api/projects/${String(hidden)}/incidents`, { title: 'hidden-needle' });
		const { incidents } = await feed(dev);
		const { type, text } = await read(incidents);
		expect(type).toBe('application/atom+xml; charset=utf-8');
		expect(text).toContain(`/incidents/${String(idOf(incident))}</id>`);
		expect(text).toContain('<title>[high, open] &#60;script&#62;alert(1)&#60;/script&#62; &#38; &#34;co&#34;</title>');
		expect(text).not.toMatch(/hidden-needle|<script/);
	});
});

describe('metrics', () => {
	const sample = /^([a-z_]+)(?:\{([a-z]+="[^"]*")\})? (\d+(?:\.\d+)?)$/;
	const metrics = async (who: Caller) => {
		const { headers, body } = await who.call('GET', '/metrics');
		expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
		const told = new Map<string, number>();
		let typed = '';
		for (const line of String(body.text).trimEnd().split('\n')) {
			const type = /^# TYPE ([a-z_]+) gauge$/.exec(line);
			if (type) typed = type[1] ?? '';
			if (line.startsWith('#')) continue;
			const found = sample.exec(line);
			expect(found, line).not.toBeNull();
			expect(found?.[1]).toBe(typed);
			told.set(`${found?.[1] ?? ''}${found?.[2] ? ` ${found[2]}` : ''}`, Number(found?.[3]));
		}
		return told;
	};

	it('are for admins and for tokens made for them, and count what is there', async () => {
		expect((await dev.call('GET', '/metrics')).status).toBe(403);
		expect((await nobody('GET', '/metrics')).status).toBe(401);
		const before = await metrics(admin);
		const { id } = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: 'j',
			job_type: 'dev',
			script_ids: [id],
		});
		const run = await admin.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {});
		await env.DB.prepare('update runs set requested_at = requested_at - 60000 where id = ?').bind(idOf(run)).run();
		await admin.ok('POST', `/api/projects/${String(p)}/incidents`, { title: 'down', severity: 'critical' });
		const after = await metrics(admin);
		const more = (name: string) => (after.get(name) ?? NaN) - (before.get(name) ?? NaN);
		expect(more('uhub_runs status="queued"')).toBe(1);
		expect(more('uhub_incidents_open severity="critical"')).toBe(1);
		expect(after.get('uhub_runs_queue_oldest_seconds')).toBeGreaterThanOrEqual(60);
		expect([...after.keys()]).toEqual([...before.keys()]);

		const made = await admin.ok('POST', '/api/tokens', { name: fresh('prometheus'), scopes: ['metrics'] });
		const headers = { authorization: `Bearer ${String(made.token)}` };
		expect((await nobody('GET', '/metrics', { headers })).status).toBe(200);
		expect((await nobody('GET', '/api/projects', { headers })).status).toBe(403);
	});
});
