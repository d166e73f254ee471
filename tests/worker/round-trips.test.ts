import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { seedDemo } from '#worker/seed/index.ts';
import { nobody } from './api-world.ts';
import { roundTrips } from './d1-trips.ts';
import { addressOf, documentOf } from './operations.ts';

// Whatever is read takes one round trip to D1, of many rows as of few: asked of every operation that reads.

const PASSWORD = 'a password of this test';
const COPIES = 60;
let who: { cookie: string };
let operations: string[];

beforeAll(async () => {
	await seedDemo(env, { password: PASSWORD });
	const { headers } = await nobody('POST', '/api/auth/login', { body: { username: 'admin', password: PASSWORD } });
	who = { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' };
	const send = async (path: string, body: object) => {
		const answer = await nobody('POST', path, { body, headers: { cookie: who.cookie, origin: 'http://hub.test' } });
		if (answer.status !== 201) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
	};
	const window = { start: '2040-01-01T00:00:00Z', end: '2040-01-02T00:00:00Z' };
	await send('/api/freezes', { project_id: null, title: 'x', reason: 'x', ...window });
	await send('/api/webhooks', { project_id: null, name: 'x', url: 'https://hooks.example.com', events: ['run.ended'] });
	await send('/api/tokens', { name: 'x', scopes: ['read'] });
	const { paths } = await documentOf();
	operations = Object.entries(paths).flatMap(([path, methods]) => ('get' in methods ? [path] : []));
}, 60_000);

/** What needs more than an address, or goes through all there is, a page of it at a time. */
const left = [
	'/api/auth/oidc/start',
	'/api/auth/oidc/callback',
	'/api/calendar.ics',
	'/api/incidents.atom',
	'/api/export',
	'/api/imports/{id}',
	'/api/audit/export',
	'/api/audit/verify',
];

/** Many times as many rows of each kind. What must be unique is, where it is text; where it cannot be, the row is left out. */
async function multiply(table: string): Promise<void> {
	const { results: columns } = await env.DB.prepare(`pragma table_info(${table})`).all<{
		name: string;
		type: string;
	}>();
	const { results: unique } = await env.DB.prepare(
		`select distinct info.name from pragma_index_list('${table}') list, pragma_index_info(list.name) info where list."unique" = 1`,
	).all<{ name: string }>();
	const values = columns.map(({ name, type }) => {
		if (name === 'id' && type.toLowerCase() === 'integer') return 'null';
		const renamed = /^(name|username|external_id|token_hash|hash|key|email)$/.test(name);
		return renamed && unique.some((one) => one.name === name) ? `"${name}" || '-' || n` : `"${name}"`;
	});
	await env.DB.prepare(
		`with recursive copies(n) as (select 1 union all select n + 1 from copies where n < ${String(COPIES)})
			insert or ignore into ${table} select ${values.join(', ')} from (select * from ${table} order by rowid limit 5), copies`,
	).run();
}

it('11: what is read takes one round trip at most, of many rows as of few', { timeout: 60_000 }, async () => {
	const asked = await Promise.all(operations.filter((one) => !left.includes(one)).map(addressOf));
	const measure = async () =>
		Object.fromEntries(
			await Promise.all(asked.map(async (path) => [path, await roundTrips(who, 'GET', path)] as const)),
		);
	const few = await measure();
	const tables = await env.DB.prepare(
		`select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like '\\_cf%' escape '\\'
			and name not like 'd1%' and name not like 'import%' and name not like '%\\_text%' escape '\\' and name not in ('audit_seals', 'identities', 'job_tags')`,
	).all<{ name: string }>();
	for (const { name } of tables.results) await multiply(name);
	const many = await measure();
	expect(await env.DB.prepare('select count(*) as n from jobs').first<number>('n')).toBeGreaterThan(COPIES);
	expect(many).toEqual(few);
	for (const [path, { status, trips }] of Object.entries(many)) {
		expect(status, path).toBe(200);
		expect(trips, path).toBeLessThanOrEqual(1);
	}
});
