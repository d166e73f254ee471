import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import { seedDemo } from '#worker/seed/index.ts';
import { nobody, ORIGIN } from './api-world.ts';
import { roundTrips } from './d1-trips.ts';
import { COPIES, multiplyAll } from './multiply.ts';
import { addressOf, documentOf } from './operations.ts';

// Whatever is written takes a fixed small number of round trips to D1, of many rows as of few: asked of every operation that writes, with
// the example the document has of it.

const PASSWORD = 'a password of this test';
/** To enter, to commit, and once more where what was entered with decides what is read, or an answer is looked up again. */
const MOST = 4;
let cookie: string;
let operations: { id: string; method: string; path: string; body: object | undefined }[];

/** What takes bytes, ends the session that asks, or calls a program elsewhere. */
const left = new Set([
	...['script.update_content', 'hub.import_lines', 'change.receive', 'alert_source.receive'],
	...['session.delete', 'session.end', 'session.end_others', 'me.password'],
	...['webhook.ping', 'webhook.replay', 'me.notification_test', 'me.webhook'],
]);
const turn = ['post', 'put', 'patch', 'delete'];

beforeAll(async () => {
	await seedDemo(env, { password: PASSWORD });
	const login = { username: 'admin', password: PASSWORD };
	const { headers } = await nobody('POST', '/api/auth/login', { body: login, headers: { origin: ORIGIN } });
	cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
	const { paths } = await documentOf();
	operations = Object.entries(paths)
		.flatMap(([path, methods]) =>
			Object.entries(methods).map(([method, { operationId: id, requestBody }]) => ({
				...{ id, method, path },
				body: requestBody?.content['application/json']?.example as object | undefined,
			})),
		)
		.filter(({ id, method }) => method !== 'get' && !left.has(id))
		.sort((a, b) => turn.indexOf(a.method) - turn.indexOf(b.method));
}, 60_000);

async function measure(which: 'min' | 'max') {
	const all: Record<string, { status: number; trips: number }> = {};
	for (const { id, method, path, body } of operations) {
		// The first person is the one who asks.
		const at = path.startsWith('/api/users/{id}') ? path.replace('{id}', '3') : await addressOf(path, which);
		const { headers } = await nobody('GET', at, { headers: { cookie } });
		const version = { 'if-match': headers.get('etag') ?? '"v1"' };
		const sent = id === 'webhook.create' ? { ...body, status: 'paused' } : body;
		all[id] = await roundTrips({ cookie }, method.toUpperCase(), at, sent, version);
	}
	return all;
}

it('11: what is written takes a few round trips, of many rows as of few', { timeout: 300_000 }, async () => {
	const few = await measure('min');
	await multiplyAll();
	expect(await env.DB.prepare('select count(*) as n from jobs').first<number>('n')).toBeGreaterThan(COPIES);
	const many = await measure('max');
	for (const all of [few, many])
		for (const [id, { status, trips }] of Object.entries(all)) {
			expect(status, id).toBeLessThan(500);
			expect(trips, id).toBeLessThanOrEqual(MOST);
		}
	const same = Object.keys(few).filter((id) => few[id]?.status === many[id]?.status);
	expect(Object.fromEntries(same.map((id) => [id, many[id]]))).toEqual(
		Object.fromEntries(same.map((id) => [id, few[id]])),
	);
	// And they are carried out, most of them.
	const done = Object.values(few).filter(({ status }) => status < 300);
	expect(operations.length).toBeGreaterThan(100);
	expect(done.length).toBeGreaterThan(55);
});
