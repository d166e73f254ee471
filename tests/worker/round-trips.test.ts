import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { seedDemo } from '#worker/seed/index.ts';
import { nobody } from './api-world.ts';
import { roundTrips } from './d1-trips.ts';
import { COPIES, multiplyAll } from './multiply.ts';
import { addressOf, documentOf } from './operations.ts';

// Whatever is read takes one round trip to D1, of many rows as of few: asked of every operation that reads.

const PASSWORD = 'a password of this test';
let who: { cookie: string };
let operations: string[];
/** The address that subscribes, for what has no session. */
let token: string;

beforeAll(async () => {
	await seedDemo(env, { password: PASSWORD });
	const { headers } = await nobody('POST', '/api/auth/login', { body: { username: 'admin', password: PASSWORD } });
	who = { cookie: headers.get('set-cookie')?.split(';')[0] ?? '' };
	const send = async (path: string, body: object) => {
		const answer = await nobody('POST', path, { body, headers: { cookie: who.cookie, origin: 'http://hub.test' } });
		if (answer.status !== 201) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
		return answer.body;
	};
	const window = { start: '2040-01-01T00:00:00Z', end: '2040-01-02T00:00:00Z' };
	await send('/api/freezes', { project_id: null, title: 'x', reason: 'x', ...window });
	await send('/api/webhooks', { project_id: null, name: 'x', url: 'https://hooks.example.com', events: ['run.ended'] });
	await send('/api/tokens', { name: 'x', scopes: ['read'] });
	token = new URL(String((await send('/api/me/feed', {})).calendar_url)).search;
	const { paths } = await documentOf();
	operations = Object.entries(paths).flatMap(([path, methods]) => ('get' in methods ? [path] : []));
}, 60_000);

/** What is read by a secret address. */
const subscribed = ['/api/calendar.ics', '/api/incidents.atom'];

/** What needs more than an address, or goes through all there is, a page of it at a time. */
const left = [
	'/api/auth/oidc/start',
	'/api/auth/oidc/callback',
	'/api/export',
	'/api/imports/{id}',
	'/api/audit/export',
	'/api/audit/verify',
];

it('11: what is read takes one round trip at most, of many rows as of few', { timeout: 60_000 }, async () => {
	const asked = await Promise.all(
		operations.filter((one) => !left.includes(one) && !subscribed.includes(one)).map((path) => addressOf(path)),
	);
	const measure = async () =>
		Object.fromEntries(
			await Promise.all(asked.map(async (path) => [path, await roundTrips(who, 'GET', path)] as const)),
		);
	const few = await measure();
	await multiplyAll();
	const many = await measure();
	expect(await env.DB.prepare('select count(*) as n from jobs').first<number>('n')).toBeGreaterThan(COPIES);
	expect(many).toEqual(few);
	for (const [path, { status, trips }] of Object.entries(many)) {
		expect(status, path).toBe(200);
		expect(trips, path).toBeLessThanOrEqual(1);
	}
	// Whose address it is, what they may see, and now and then that it was used.
	for (const path of subscribed) {
		const { status, trips } = await roundTrips(who, 'GET', path + token);
		expect(status, path).toBe(200);
		expect(trips, path).toBeLessThanOrEqual(3);
	}
});
