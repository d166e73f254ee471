import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, insert, person, project } from './api-world.ts';
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

	it('go by what a job carries, and who asked for it, in one project or in all', async () => {
		const q = await project(admin, [[dev, 'contribute']]);
		const hidden = await project(admin);
		const make = (by: Caller, home: number, title: string, more: object) =>
			by.ok('POST', `/api/projects/${String(home)}/jobs`, { title, job_type: 'dev', ...more });
		await make(dev, q, 'one', { tags: ['db', 'a, b'], planned_start: '2040-01-02T00:00:00Z', priority: 'low' });
		await make(dev, q, 'two', { tags: ['db2'], planned_start: '1969-01-01T00:00:00Z', priority: 'critical' });
		await make(admin, q, 'three', { tags: ['db', 'db'] });
		await make(admin, hidden, 'hidden', { tags: ['db'] });
		await env.DB.prepare(`update jobs set requested_by_id = ?1 where title = 'three'`).bind(dev.id).run();
		const titled = async (query: string, at = '/api/jobs') => (await all(`${at}?${query}`)).map(({ title }) => title);
		for (const limit of ['', '&limit=1']) {
			expect(await titled(`tags=db&sort=title${limit}`)).toEqual(['one', 'three']);
			expect(await titled(`sort=-priority&project_id=${String(q)}${limit}`)).toEqual(['two', 'three', 'one']);
			expect(await titled(`sort=planned_start${limit}`, `/api/projects/${String(q)}/jobs`)).toEqual([
				'three',
				'two',
				'one',
			]);
			expect(await titled(`sort=-planned_start&project_id=${String(q)}${limit}`)).toEqual(['one', 'two', 'three']);
		}
		expect(await titled(`tags=${encodeURIComponent('a, b')}`)).toEqual(['one']);
		expect(await titled('tags=d')).toEqual([]);
		expect(await titled('tags=db&q=hre')).toEqual(['three']);
		expect(await titled(`requested_by_id=${String(dev.id)}`)).toEqual(['three']);
		expect((await dev.call('GET', `/api/jobs?project_id=${String(hidden)}`)).status).toBe(404);
		expect((await dev.call('GET', `/api/projects/${String(q)}/jobs?project_id=1`)).status).toBe(400);

		const [one] = await all(`/api/jobs?tags=db&sort=title`);
		await dev.ok('PATCH', `/api/jobs/${String(one?.id)}`, { tags: ['new'] }, { 'if-match': '"v1"' });
		expect(await titled('tags=db')).toEqual(['three']);
		expect(await titled('tags=new')).toEqual(['one']);
		await dev.ok('DELETE', `/api/jobs/${String(one?.id)}`, undefined, { 'if-match': '"v2"' });
		expect(await env.DB.prepare(`select count(*) n from job_tags where tag = 'new'`).first('n')).toBe(0);
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

describe('11: runs', () => {
	it('go by when they were asked for, where, how urgently and how often, and have orders, empty or not', async () => {
		const q = await project(admin, [[dev, 'read']]);
		const job = await admin.ok('POST', `/api/projects/${String(q)}/jobs`, { title: 'x', job_type: 'dev' });
		const second = (n: number) => Date.parse('2026-01-01T00:00:00Z') + n * 1000;
		const rows = [
			{ status: 'failed', started_at: second(5), duration: 900, backend: 'ssh', priority: 'high', attempt: 1 },
			{ status: 'queued', started_at: null, duration: null, backend: 'local', priority: 'low', attempt: 2 },
			{ status: 'success', started_at: second(2), duration: 0, backend: 'local', priority: 'low', attempt: 1 },
			{ status: 'canceled', started_at: null, duration: null, backend: 'local', priority: 'low', attempt: 3 },
		];
		const ids: number[] = [];
		for (const [n, row] of rows.entries())
			ids.push(
				await insert('runs', {
					...{ job_id: idOf(job), project_id: q, triggered_by_id: dev.id, requested_at: second(n), ...row },
				}),
			);
		const found = async (query: string) =>
			(await all(`/api/runs?project_id=${String(q)}&limit=1&${query}`)).map(({ id }) => ids.indexOf(id));
		expect(await found('sort=status')).toEqual([1, 2, 0, 3]);
		expect(await found('sort=started_at')).toEqual([1, 3, 2, 0]);
		expect(await found('sort=-started_at')).toEqual([0, 2, 3, 1]);
		expect(await found('sort=duration')).toEqual([1, 3, 2, 0]);
		expect(await found('sort=-duration')).toEqual([0, 2, 3, 1]);
		expect(await found('from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:03Z')).toEqual([2, 1]);
		expect(await found('backend=ssh')).toEqual([0]);
		expect(await found('priority=low&attempt=2')).toEqual([1]);
		for (const [query, field] of [
			['from=yesterday', 'from'],
			['backend=abacus', 'backend'],
			['priority=7', 'priority'],
			['attempt=0', 'attempt'],
		] as const)
			expect(await dev.call('GET', `/api/runs?${query}`)).toMatchObject({
				status: 400,
				body: { errors: [{ path: field }] },
			});
	});
});

describe('11: the audit', () => {
	it('is searched for what was said, few rows or many of them', async () => {
		await env.DB.prepare(
			`with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 2300)
				insert into audit_logs (timestamp, action, object_type, metadata, actor_kind, request_id)
				select n, 'thing.' || case n % 2 when 0 then 'made' else 'lost' end, 'Thing',
					json_object('title', case when n % 1000 = 7 then 'Zébra ' || n else 'Horse' end), 'system', 'x' from numbers`,
		).run();
		const at = '/api/audit?limit=200&object_type=Thing';
		const walk = async (query: string) => {
			const rows: { id: number; metadata: { title: string } }[] = [];
			let cursor: unknown = '';
			while (cursor !== null) {
				const next = cursor === '' ? '' : `&cursor=${encodeURIComponent(String(cursor))}`;
				const body = await admin.ok('GET', `${at}&${query}${next}`);
				rows.push(...(body.items as typeof rows));
				cursor = body.next_cursor;
			}
			return rows;
		};
		for (const q of ['zébra', 'Zé', 'ZéBRA'])
			expect(
				(await walk(`q=${encodeURIComponent(q)}`)).map(({ metadata }) => metadata.title),
				q,
			).toEqual([...['Zébra 2007', 'Zébra 1007', 'Zébra 7']]);
		expect((await walk('q=zébra&sort=id')).map(({ metadata }) => metadata.title)[0]).toBe('Zébra 7');
		const many = await walk('q=horse&sort=id');
		expect(new Set(many.map(({ id }) => id)).size).toBe(2297);
		expect(many.map(({ id }) => id)).toEqual(many.map(({ id }) => id).toSorted((a, b) => a - b));
		expect(await walk('q=thing.lost')).toHaveLength(1150);
		expect(await walk('q=unicorn')).toEqual([]);
		await env.DB.prepare(
			`insert into audit_logs (timestamp, action, object_type, metadata, actor_kind, request_id)
				values (1, 'thing.long', 'Thing', json_object('title', ?1), 'system', 'x')`,
		)
			.bind(`giraffe ${'x'.repeat(1000)} okapi`)
			.run();
		expect(await walk('q=giraffe')).toHaveLength(1);
		expect(await walk('q=okapi')).toEqual([]);
		expect(await walk(`q=${encodeURIComponent('" or "')}`)).toEqual([]);
		const file = await admin.call('GET', `/api/audit/export?format=jsonl&q=${encodeURIComponent('zébra')}`);
		const lines = String(file.body.text).trim().split('\n');
		expect(lines.filter((line) => line.includes('"Thing"'))).toHaveLength(3);
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
