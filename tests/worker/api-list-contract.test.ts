import { env } from 'cloudflare:workers';
import { beforeAll, expect, it } from 'vitest';
import type { OpenApi } from '#worker/http/openapi/document.ts';
import { seedDemo } from '#worker/seed/index.ts';
import { type Call, caller, nobody, ORIGIN } from './api-world.ts';
import { addressOf, documentOf } from './operations.ts';

// What every list and every query owes its callers, asked of the document's operations, so that a new one is held to it too.

const PASSWORD = 'a password of this test';
type Operation = OpenApi['paths'][string][string];
let get: (path: string) => ReturnType<Call>;
let reads: { path: string; operation: Operation }[];
let lists: typeof reads;

const inQuery = ({ parameters = [] }: Operation, name: string) =>
	parameters.find((one) => one.in === 'query' && one.name === name);

beforeAll(async () => {
	await seedDemo(env, { password: PASSWORD });
	const login = { username: 'admin', password: PASSWORD };
	const { headers } = await nobody('POST', '/api/auth/login', { body: login, headers: { origin: ORIGIN } });
	const call = caller(headers.get('set-cookie')?.split(';')[0] ?? '');
	get = (path) => call('GET', path);
	const document = await documentOf();
	reads = Object.entries(document.paths).flatMap(([path, { get: operation }]) =>
		operation ? [{ path, operation }] : [],
	);
	lists = reads.filter(({ operation }) => {
		const name = operation.responses['200']?.content?.['application/json']?.schema.$ref?.split('/').pop();
		const schema = name
			? document.components.schemas[name]
			: operation.responses['200']?.content?.['application/json']?.schema;
		return schema?.properties?.items !== undefined && schema.properties.next_cursor !== undefined;
	});
}, 60_000);

it('23: what no operation knows is refused by its name, wherever something is read', async () => {
	// The provider's library reads what the provider says, and a page opens with whatever its address has.
	const asked = reads.filter(({ path }) => path !== '/api/auth/oidc/callback' && path !== '/api/docs');
	expect(asked.length).toBeGreaterThan(80);
	for (const { path } of asked) {
		const answer = await get(`${path.replaceAll(/\{\w+\}/g, '1')}?zz=1`);
		expect(answer.status, path).toBe(400);
		expect(
			(answer.body.errors as { path: string }[]).map((error) => error.path),
			path,
		).toContain('zz');
	}
	const project = await get('/api/projects/1?zz=1&status=active');
	expect(project.body.errors).toMatchObject([{ path: 'zz' }, { path: 'status' }]);
	expect((await get('/api/no-such-thing?zz=1')).status).toBe(404);
});

it('11: every list has a limit, a cursor and orders', () => {
	expect(lists.length).toBeGreaterThan(38);
	for (const { path, operation } of lists) {
		// A ranking of a window of time: its best, and there are no more.
		if (operation.operationId === 'incident.list_changes') continue;
		for (const name of ['limit', 'cursor', 'sort']) expect(inQuery(operation, name), `${path} ${name}`).toBeDefined();
	}
});

/** The pages of a list, of so many rows each. */
async function walked(path: string, limit: number, most: number): Promise<unknown[]> {
	const rows: unknown[] = [];
	let cursor: unknown = '';
	for (let pages = 0; cursor !== null && pages < most; pages++) {
		const { status, body } = await get(
			`${path}&limit=${String(limit)}${cursor === '' ? '' : `&cursor=${encodeURIComponent(String(cursor))}`}`,
		);
		expect(status, path).toBe(200);
		rows.push(...(body.items as unknown[]));
		cursor = body.next_cursor;
	}
	return rows;
}

it(
	'11: the pages of every list, in each of its orders and whatever is empty in it, are the list',
	{ timeout: 300_000 },
	async () => {
		let orders = 0;
		for (const { path, operation } of lists) {
			const at = await addressOf(path);
			if (at.includes('null')) continue;
			for (const sort of (inQuery(operation, 'sort')?.schema as { enum?: string[] } | undefined)?.enum ?? []) {
				const list = `${at}${at.includes('?') ? '&' : '?'}sort=${sort}`;
				const whole = await walked(list, 200, 1);
				const some = await walked(list, 7, 8);
				expect(some, list).toEqual(whole.slice(0, some.length));
				expect(some.length, list).toBe(Math.min(56, whole.length));
				orders++;
			}
		}
		expect(orders).toBeGreaterThan(100);
	},
);
