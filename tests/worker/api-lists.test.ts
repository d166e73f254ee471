import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, person, project } from './api-world.ts';
import { roundTrips } from './d1-trips.ts';

let admin: Caller, dev: Caller;
let p: number;
const titles = ['banana', 'Apple', 'cherry', 'apple', 'Banana', 'date', '100%', 'a_b', 'a\\b', 'élan', 'apple'];

beforeAll(async () => {
	[admin, dev] = await Promise.all([person('admin'), person('dev')]);
	p = await project(admin, [[dev, 'contribute']]);
	for (const [n, title] of titles.entries())
		await dev.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title,
			job_type: n % 2 === 0 ? 'dev' : 'meeting',
			priority: n % 3 === 0 ? 'high' : 'normal',
		});
});

interface Row {
	id: number;
	title: string;
	created_at: string;
}

async function all(path: string, start = ''): Promise<Row[]> {
	const rows: Row[] = [];
	let cursor: string | null = start;
	for (let pages = 0; cursor !== null && pages < 50; pages++) {
		const body = await dev.ok('GET', `${path}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
		rows.push(...(body.items as Row[]));
		cursor = body.next_cursor as string | null;
	}
	return rows;
}

describe('pages', () => {
	it('together are the list, each row once, in its order, whatever the size', async () => {
		const path = `/api/projects/${String(p)}/jobs`;
		for (const sort of ['title', '-title', 'created_at', '-created_at', '-updated_at'])
			for (const limit of [1, 2, 3, 5, 11, 200]) {
				const rows = await all(`${path}?sort=${sort}&limit=${String(limit)}`);
				expect(new Set(rows.map(({ id }) => id)).size, `${sort} ${String(limit)}`).toBe(titles.length);
				const down = sort.startsWith('-');
				const name = sort.replace('-', '') as 'title' | 'created_at';
				const ordered = rows.toSorted((a, b) => {
					const order = a[name] < b[name] ? -1 : a[name] > b[name] ? 1 : a.id - b.id;
					return down ? -order : order;
				});
				expect(rows.map(({ id }) => id)).toEqual(ordered.map(({ id }) => id));
			}
	});

	it('do not lose or repeat a row that was there all along while others come', async () => {
		const q = await project(admin, [[dev, 'contribute']]);
		const path = `/api/projects/${String(q)}/jobs`;
		for (let n = 0; n < 5; n++) await dev.ok('POST', path, { title: `old ${String(n)}`, job_type: 'dev' });
		const first = await dev.ok('GET', `${path}?limit=2`);
		await dev.ok('POST', path, { title: 'new', job_type: 'dev' });
		const rest = await all(`${path}?limit=2`, String(first.next_cursor));
		const seen = [...(first.items as Row[]), ...rest].map(({ title }) => title);
		expect(seen).toEqual(['old 4', 'old 3', 'old 2', 'old 1', 'old 0']);
	});

	it('refuse a cursor that is none, or of another order', async () => {
		const path = `/api/projects/${String(p)}/jobs`;
		const { next_cursor } = await dev.ok('GET', `${path}?limit=1&sort=title`);
		for (const cursor of [
			'x',
			'',
			'%00',
			String(next_cursor).slice(1),
			btoa('{"sort":"title"}'),
			btoa('[]'),
			'x'.repeat(513),
		])
			expect((await dev.call('GET', `${path}?sort=title&cursor=${encodeURIComponent(cursor)}`)).status, cursor).toBe(
				400,
			);
		const other = await dev.call('GET', `${path}?sort=-title&cursor=${encodeURIComponent(String(next_cursor))}`);
		expect(other).toMatchObject({ status: 400, body: { errors: [{ path: 'cursor' }] } });
		await fc.assert(
			fc.asyncProperty(fc.string({ maxLength: 300 }), async (text) => {
				const { status } = await dev.call('GET', `${path}?cursor=${encodeURIComponent(text)}`);
				expect([200, 400]).toContain(status);
			}),
			{ numRuns: 40 },
		);
	});
});

describe('a row in a list', () => {
	const odd = 'a "quoted" \\ back\\slashed </script> élan 🦀 line';
	const times = ['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00.001Z', '9999-12-31T23:59:59.998Z'];

	it('is what it is alone: text, moments, numbers, flags, nulls and what is nested', async () => {
		const q = await project(admin, [[dev, 'contribute']]);
		const at = `/api/projects/${String(q)}`;
		const script = await dev.ok('POST', `${at}/scripts`, {
			...{ tool: 'shell', name: fresh('s'), location_type: 'uploaded', content: 'true' },
		});
		const job = await dev.ok('POST', `${at}/jobs`, {
			...{
				title: odd,
				description: `${odd}\n\ttabbed`,
				job_type: 'dev',
				tags: [odd.slice(0, 40).trim()],
				labels: { a: 'b' },
			},
			...{ planned_start: times[0], planned_end: times[1], script_ids: [script.id] },
		});
		const plain = await dev.ok('POST', `${at}/jobs`, { title: 'plain', job_type: 'meeting' });
		const run = await dev.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, { reason: odd });
		const event = await dev.ok('POST', `${at}/events`, { title: odd, start: times[2], all_day: true });
		for (const [list, path, id] of [
			[`${at}/jobs`, '/api/jobs', idOf(job)],
			['/api/jobs', '/api/jobs', idOf(plain)],
			[`/api/runs?project_id=${String(q)}`, '/api/runs', idOf(run)],
			[`${at}/events?sort=created_at&limit=200`, '/api/events', idOf(event)],
		] as const) {
			const { items } = (await dev.ok('GET', list)) as { items: Row[] };
			const { job_title, ...row } = { job_title: null, ...items.find((item) => item.id === id) };
			expect(await dev.ok('GET', `${path}/${String(id)}`), list).toMatchObject(row);
			expect([null, odd]).toContain(job_title);
			expect(row).toHaveProperty('updated_at');
		}
	});
});

describe('filters', () => {
	it('go by field, and together', async () => {
		const path = `/api/projects/${String(p)}/jobs`;
		const titled = async (query: string) => ((await dev.ok('GET', `${path}?${query}`)).items as Row[]).length;
		expect(await titled('job_type=meeting')).toBe(5);
		expect(await titled('priority=high')).toBe(4);
		expect(await titled('job_type=meeting&priority=high')).toBe(2);
		expect(await titled('status=draft')).toBe(titles.length);
		expect(await titled('status=planned')).toBe(0);
	});

	it('24: q is literal text, whatever LIKE would make of it, upper and lower case alike', async () => {
		const found = async (q: string) =>
			(
				(await dev.ok('GET', `/api/projects/${String(p)}/jobs?sort=title&q=${encodeURIComponent(q)}`)).items as Row[]
			).map(({ title }) => title);
		expect(await found('APPLE')).toEqual(['Apple', 'apple', 'apple']);
		expect(await found('%')).toEqual(['100%']);
		expect(await found('_')).toEqual(['a_b']);
		expect(await found('\\')).toEqual(['a\\b']);
		expect(await found("' or 1=1 --")).toEqual([]);
		expect(await found('é'.repeat(48))).toEqual([]);
		expect((await dev.call('GET', `/api/jobs?q=${'x'.repeat(49)}`)).status).toBe(400);
	});

	it('23: what is no field, no value or no order is refused by name', async () => {
		for (const [query, field] of [
			['status=nope', 'status'],
			["status=draft'--", 'status'],
			['environment_id=1%20or%201=1', 'environment_id'],
			['environment_id=-1', 'environment_id'],
			['environment_id=1e400', 'environment_id'],
			['sort=password', 'sort'],
			['sort=created_at;drop table jobs', 'sort'],
			['sort=--created_at', 'sort'],
			['limit=0', 'limit'],
			['limit=201', 'limit'],
			['limit=x', 'limit'],
			['limit=1&limit=2', 'limit'],
			['unknown=1', 'unknown'],
		] as const)
			expect(await dev.call('GET', `/api/jobs?${query}`), query).toMatchObject({
				status: 400,
				body: { code: 'invalid', errors: [{ path: field }] },
			});
	});
});

describe('11: a search among many jobs', () => {
	it('11: finds what holds the text, few or many of them, in any order, as it is now', async () => {
		const q = await project(admin, [[dev, 'read']]);
		await env.DB.prepare(
			`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 2300)
				insert into jobs (project_id, title, description, job_type, owner_id, created_at, updated_at)
				select ?1, case when n % 1000 = 7 then 'Rotate "the" Zébra ' else 'Deploy ' end || n, 'release ' || (n % 7), 'ops', ?2, n, 5000 - n from numbers`,
		)
			.bind(q, admin.id)
			.run();
		const at = `/api/projects/${String(q)}/jobs?limit=200`;
		const titles = async (search: string) => (await all(`${at}&${search}`)).map(({ title }) => title);
		const zebras = [7, 1007, 2007].map((n) => `Rotate "the" Zébra ${String(n)}`);
		for (const text of ['zébra', '"the" z', 'OTATE', 'Zé'])
			expect(await titles(`sort=created_at&q=${encodeURIComponent(text)}`), text).toEqual(zebras);
		expect(await titles('sort=updated_at&q=rotate')).toEqual(zebras.toReversed());
		expect(await titles('q=unicorn')).toEqual([]);
		expect(await titles('q=release&job_type=dev')).toEqual([]);
		// More than are sorted for a page: the same rows, page after page, each once.
		const many = await titles('sort=-created_at&q=RELEASE');
		expect(many.slice(0, 2)).toEqual(['Deploy 2300', 'Deploy 2299']);
		expect(new Set(many).size).toBe(2300);
		expect(await titles('sort=title&q=deploy')).toHaveLength(2297);

		const [first] = await all(`${at}&sort=created_at&q=rotate`);
		if (!first) throw new Error('no job');
		const on = `/api/jobs/${String(first.id)}`;
		const row = await admin.ok('PATCH', on, { title: 'Feed the unicorn' }, { 'if-match': '"v1"' });
		expect(await titles('q=unicorn')).toEqual(['Feed the unicorn']);
		expect(await titles('sort=created_at&q=rotate')).toEqual(zebras.slice(1));
		await admin.ok('DELETE', on, undefined, { 'if-match': `"v${String(row.version)}"` });
		expect(await titles('q=unicorn')).toEqual([]);
	});
});

describe('what it costs', () => {
	it('a change is two, with or without an Idempotency-Key', async () => {
		const script = await dev.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: fresh('s'),
			location_type: 'uploaded',
			content: 'true',
		});
		const job = await dev.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: 'x',
			job_type: 'dev',
			script_ids: [script.id],
		});
		const at = `/api/jobs/${String(idOf(job))}`;
		const key = { 'idempotency-key': fresh('key') };
		expect(await roundTrips(dev, 'POST', `/api/projects/${String(p)}/jobs`, { title: 'y', job_type: 'dev' })).toEqual({
			status: 201,
			trips: 2,
		});
		expect(await roundTrips(dev, 'PATCH', at, { title: 'z' }, { 'if-match': '"v1"' })).toEqual({
			status: 200,
			trips: 2,
		});
		const run = await roundTrips(dev, 'POST', `${at}/runs`, {}, key);
		expect(run.status).toBe(201);
		// The answer is kept for a repetition after the commit; nobody waits for that.
		expect(run.trips).toBeLessThanOrEqual(3);
	});
});
