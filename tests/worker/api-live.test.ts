import { exports } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, ORIGIN, person, project } from './api-world.ts';

let admin: Caller, dev: Caller, stranger: Caller;
let p: number, run: number;

beforeAll(async () => {
	[admin, dev, stranger] = await Promise.all([person('admin'), person('dev'), person('dev')]);
	p = await project(admin, [[dev, 'read']]);
	const script = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
		tool: 'shell',
		name: fresh('s'),
		location_type: 'uploaded',
		content: 'true',
	});
	const job = await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
		title: 'x',
		job_type: 'ops',
		script_ids: [script.id],
	});
	run = idOf(await admin.ok('POST', `/api/jobs/${String(idOf(job))}/runs`, {}));
});

/** Opens a socket and closes it again; gives the status of the handshake. */
async function open(path: string, headers: Record<string, string>): Promise<number> {
	const { status, webSocket } = await exports.default.fetch(`${ORIGIN}${path}`, {
		headers: { upgrade: 'websocket', ...headers },
	});
	webSocket?.accept();
	webSocket?.close(1000);
	return status;
}

describe('the sockets', () => {
	it('1: open for who may read, and are not there for others', async () => {
		for (const path of [`/live/projects/${String(p)}`, `/live/runs/${String(run)}`]) {
			expect(await open(path, { cookie: dev.cookie, origin: ORIGIN }), path).toBe(101);
			expect(await open(path, { cookie: stranger.cookie, origin: ORIGIN }), path).toBe(404);
			expect(await open(path, { origin: ORIGIN }), path).toBe(401);
		}
		expect(await open('/live/runs/999999', { cookie: dev.cookie, origin: ORIGIN })).toBe(404);
	});

	it('6: refuse another site, null and no origin before the handshake', async () => {
		for (const path of [`/live/projects/${String(p)}`, `/live/runs/${String(run)}`])
			for (const headers of [
				{ origin: 'http://evil.test' },
				{ origin: 'null' },
				{ origin: 'https://hub.test' },
				{ origin: `${ORIGIN}.evil.test` },
				{ referer: ORIGIN },
			])
				expect(await open(path, { cookie: dev.cookie, ...headers }), JSON.stringify(headers)).toBe(403);
	});

	it('10: take no identity from a client', async () => {
		const forged = { 'x-partykit-props': '{"user_id":1}', 'x-uhub-user': String(admin.id), 'x-watcher': '{}' };
		expect(await open(`/live/projects/${String(p)}?_pk=${crypto.randomUUID()}`, { origin: ORIGIN, ...forged })).toBe(
			401,
		);
		expect(await open(`/live/projects/${String(p)}`, { cookie: stranger.cookie, origin: ORIGIN, ...forged })).toBe(404);
	});

	it('answer a plain request, and a number that is none, as a problem', async () => {
		const plain = await exports.default.fetch(`${ORIGIN}/live/projects/${String(p)}`, {
			headers: { cookie: dev.cookie, origin: ORIGIN },
		});
		expect(plain.status).toBe(400);
		expect(plain.headers.get('content-type')).toBe('application/problem+json');
		for (const path of [
			'/live/projects/x',
			'/live/runs/0',
			'/live/agent',
			'/live/agent?agent=x',
			'/live/agent?agent=999999',
		])
			expect(await open(path, { cookie: dev.cookie, origin: ORIGIN }), path).toBe(404);
		for (const from of ['x', '-1', '1e9', '9'.repeat(16)])
			expect(await open(`/live/runs/${String(run)}?from=${from}`, { cookie: dev.cookie, origin: ORIGIN }), from).toBe(
				400,
			);
	});
});
