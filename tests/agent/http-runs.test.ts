// Runs that are a request, over real connections: a hub as it is started, and a server of ours that is not always kind.
import { createHmac, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '#tests/support/api.ts';
import { startHub, type TestHub } from '#tests/support/hub.ts';
import { type RealAgent, realAgent } from '#tests/support/real-agent.ts';

const KEY = `whsec_${Buffer.from('a key of thirty-two bytes, or so').toString('base64')}`;

interface Letter {
	path: string;
	headers: IncomingMessage['headers'];
	body: string;
}
const letters: Letter[] = [];
const came = (path: string) => letters.filter((letter) => letter.path === path);

const bomb = gzipSync(Buffer.alloc(64 * 1_048_576));
interface Asked {
	callback_url: string;
	callback_token: string;
}
const askedBy = (body: string) => JSON.parse(body) as Asked;
/** What the hub answers a callback, with the token it gave along unless another is named. */
const report = async (body: string, report: object): Promise<number> => {
	const { callback_url, callback_token: token } = askedBy(body);
	const headers = { 'content-type': 'application/json' };
	return (await fetch(callback_url, { method: 'POST', headers, body: JSON.stringify({ token, ...report }) })).status;
};
async function callBack(body: string) {
	await report(body, { status: 'running', output: 'half' });
	await report(body, { status: 'success', message: 'all of it' });
}
/** Answers, and then calls back. */
async function later(response: ServerResponse, body: string) {
	response.writeHead(202).end();
	await callBack(body);
}
/** Calls back, and then has no good answer. */
async function sooner(response: ServerResponse, body: string) {
	await callBack(body);
	response.writeHead(500).end('too late\n');
}

const answers: Record<string, (response: ServerResponse, body: string) => void> = {
	'/later': (response, body) => void later(response, body),
	'/sooner': (response, body) => void sooner(response, body),
	'/echo': (response, body) => response.end(body),
	'/fine': (response) => response.writeHead(201, { 'content-type': 'text/plain', 'x-key': KEY }).end('taken\n'),
	'/moved': (response) => response.writeHead(307, { location: '/fine' }).end(),
	'/cut': (response) => response.socket?.destroy(),
	'/half': (response) => {
		response.writeHead(200, { 'content-length': '100' }).write('half', () => response.socket?.destroy());
	},
	'/silent': () => undefined,
	'/drip': (response) => {
		response.writeHead(200);
		const drop = setInterval(() => response.write('.'), 100);
		response.on('close', () => {
			clearInterval(drop);
		});
	},
	'/bomb': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
	'/binary': (response) => response.end(Buffer.from([0x1b, 0x5d, 0xff, 0xfe, 0x00, 0x0a])),
	'/endless': (response) => {
		const more = () => {
			while (!response.destroyed && response.write('y'.repeat(65_536)));
		};
		response.on('drain', more);
		more();
	},
};

let server: Server;
let hub: TestHub;
let admin: Api;
let project: number;

beforeAll(async () => {
	server = createServer((request, response) => {
		let body = '';
		request.on('data', (part: Buffer) => (body += part.toString()));
		request.on('end', () => {
			const path = request.url ?? '';
			letters.push({ path, headers: request.headers, body });
			answers[path]?.(response, body);
		});
	});
	await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
	hub = await startHub({ agent: false, env: { UHUB_WEBHOOK_NETWORKS: '127.0.0.1/32' } });
	admin = await Api.signIn(hub.url, 'admin', hub.password);
	project = Number((await admin.ok('POST', '/api/projects', { name: 'By request' })).id);
	await admin.ok('PUT', `/api/projects/${String(project)}/hub-secrets/deploy`, { value: KEY });
});
afterAll(async () => {
	await hub.stop();
	server.closeAllConnections();
	server.close();
});

const at = (path: string, host = '127.0.0.1') =>
	`http://${host}:${String((server.address() as AddressInfo).port)}${path}`;
async function asked(url: string, config: object = {}): Promise<number> {
	const job = await admin.ok('POST', `/api/projects/${String(project)}/jobs`, {
		title: `ask ${randomUUID().slice(0, 8)}`,
		job_type: 'ops',
		execution_backend: 'webhook',
		execution_backend_config: { url, secret_ref: 'hub:deploy', ...config },
	});
	return admin.run(Number(job.id), { parameters: { TARGET: 'eu' } });
}
async function ended(url: string, config: object = {}) {
	const id = await asked(url, config);
	return { id, row: await admin.ended(id), log: (await admin.log(id)).toString() };
}

it('arrives once, signed, and its answer ends the run', async () => {
	const { id, row, log } = await ended(at('/fine'));
	expect(row).toMatchObject({ status: 'success', agent_id: null, exit_code: null, backend: 'webhook' });
	expect(log).toMatch(/^POST http:\S+\/fine\n201 Created, after \d+ ms\ncontent-type: text\/plain\n\ntaken\n$/);
	const [letter, ...more] = came('/fine');
	if (!letter) throw new Error('nothing came');
	expect(more).toEqual([]);
	const { headers, body } = letter;
	const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
	const hmac = createHmac('sha256', Buffer.from(KEY.slice('whsec_'.length), 'base64'))
		.update(signed)
		.digest('base64');
	expect(headers['webhook-signature']).toBe(`v1,${hmac}`);
	expect(headers['idempotency-key']).toBe(`run_${String(id)}_1`);
	expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
	expect(JSON.parse(body)).toMatchObject({ event: 'run.request', run_id: id, parameters: { TARGET: 'eu' } });
	expect(headers.cookie).toBeUndefined();
});

it('that ends badly says how, and goes nowhere else', async () => {
	const [moved, cut, half, silent, drip, refused] = await Promise.all([
		ended(at('/moved')),
		ended(at('/cut')),
		ended(at('/half')),
		ended(at('/silent'), { timeout_s: 1 }),
		ended(at('/drip'), { timeout_s: 2 }),
		ended(at('/fine'), { expected_status: 200 }),
	]);
	const failed = (code: string) => ({ row: { status: 'failed', reason: { code } } });
	expect(moved).toMatchObject(failed('http_refused'));
	expect(cut).toMatchObject(failed('http_unreachable'));
	expect(half).toMatchObject(failed('http_unreachable'));
	expect(silent).toMatchObject(failed('timeout'));
	expect(drip).toMatchObject(failed('timeout'));
	expect(refused).toMatchObject(failed('http_status'));
	for (const path of ['/moved', '/cut', '/half', '/silent', '/drip']) expect(came(path), path).toHaveLength(1);
	for (const { log } of [moved, cut, half, silent, drip, refused]) expect(log).not.toContain(KEY);
});

it('whose answer is a bomb, bytes or without end, keeps so much of it and no more', async () => {
	const [bombed, binary, endless] = await Promise.all([
		ended(at('/bomb')),
		ended(at('/binary')),
		ended(at('/endless')),
	]);
	expect(bombed.row).toMatchObject({ status: 'success' });
	expect(bombed.log.length).toBeLessThan(1_100_000);
	expect(binary.log.endsWith('\n\n\u001b]\ufffd\ufffd\0\n')).toBe(true);
	expect(endless.row).toMatchObject({ status: 'success' });
	expect(endless.log.length).toBeLessThan(1_100_000);
	expect(endless.log).toContain('longer than 1 MiB');
});

it('goes on after its answer, and ends with the callback that the other end makes', async () => {
	const { row, log } = await ended(at('/later'), { callback: true });
	expect(row).toMatchObject({ status: 'success' });
	// When they come is the other end's affair: also while its answer is being read.
	expect(log).toMatch(/^half$[^]*^all of it$/m);
});

it('30: reaches what a name leads to only where an admin allows that', async () => {
	const count = letters.length;
	for (const url of [
		'http://10.0.0.1/',
		'http://169.254.169.254/latest',
		`http://0x7f000002:80/`,
		'http://example.com/',
	]) {
		const body = {
			name: 'x',
			execution_backend: 'webhook',
			execution_backend_config: { url, secret_ref: 'hub:deploy' },
		};
		expect((await admin.call('POST', '/api/projects', body)).status, url).toBe(400);
	}
	// A name of one's own is let through where such a network is allowed; where it leads, the runtime looks when it connects.
	const { row } = await ended(at('/fine', 'localhost').replace('localhost', 'ip6-localhost'));
	expect(row).toMatchObject({ status: 'failed', reason: { code: 'http_unreachable' } });
	expect(letters).toHaveLength(count);
});

describe('by an agent', () => {
	let agent: RealAgent;
	const by = (url: string, config: object = {}) => ended(url, { via: 'agent', secret_ref: 'env:HOOK_KEY', ...config });

	beforeAll(async () => {
		const policy = `version: 1
projects: all
backends: [webhook]
secrets: { ${String(project)}: ['env:HOOK_*'] }
webhook: { networks: [127.0.0.1/32], hosts: [localhost] }
`;
		agent = await realAgent(admin, { policy, env: { HOOK_KEY: KEY } });
	});
	afterAll(async () => {
		await agent.remove();
	});

	it('arrives once and signed, where the hub does not go; its answer ends the run', async () => {
		const before = came('/fine').length;
		for (const host of ['127.0.0.1', 'localhost']) {
			const { id, row, log } = await by(at('/fine', host));
			expect(row, log).toMatchObject({ status: 'success', agent_id: agent.id });
			expect(log).toMatch(/^POST http:\S+\/fine\n201 Created, after \d+ ms\n[^]*\n\ntaken\n$/);
			const letter = came('/fine').at(-1);
			if (!letter) throw new Error('nothing came');
			const { headers, body } = letter;
			const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
			const hmac = createHmac('sha256', Buffer.from(KEY.slice('whsec_'.length), 'base64'))
				.update(signed)
				.digest('base64');
			expect(headers['webhook-signature']).toBe(`v1,${hmac}`);
			expect(headers['idempotency-key']).toBe(`run_${String(id)}_1`);
			expect(JSON.parse(body)).toMatchObject({ run_id: id, parameters: { TARGET: 'eu' } });
		}
		expect(came('/fine')).toHaveLength(before + 2);
	});

	it('that ends badly says how, keeps so much of an answer, and goes nowhere else', async () => {
		const count = came('/fine').length;
		const [moved, half, silent, endless] = await Promise.all([
			by(at('/moved')),
			by(at('/half')),
			by(at('/silent'), { timeout_s: 1 }),
			by(at('/endless')),
		]);
		expect(moved.row).toMatchObject({ status: 'failed', reason: { code: 'http_refused' } });
		expect(half.row).toMatchObject({ status: 'failed', reason: { code: 'http_unreachable' } });
		expect(silent.row).toMatchObject({ status: 'failed', reason: { code: 'timeout' } });
		expect(endless.row).toMatchObject({ status: 'success' });
		expect(endless.log.length).toBeLessThan(1_100_000);
		expect(came('/fine')).toHaveLength(count);
	});

	it('30: goes only where its policy lets it, and with the keys it gives', async () => {
		const refused = { status: 'failed', reason: { code: 'refused_by_policy' } };
		expect((await by('http://127.0.0.2:1/')).row).toMatchObject(refused);
		expect((await by('http://example.com/')).row).toMatchObject(refused);
		expect((await by(at('/fine'), { secret_ref: 'env:OTHER' })).row).toMatchObject(refused);
	});

	const byCallback = async (path: string) => {
		const id = await asked(at(path), { via: 'agent', secret_ref: 'env:HOOK_KEY', callback: true, timeout_s: 600 });
		const key = `run_${String(id)}_1`;
		const mine = () => came(path).find(({ headers }) => headers['idempotency-key'] === key);
		await expect.poll(mine).toBeDefined();
		return { id, body: mine()?.body ?? '' };
	};
	const phase = async (id: number) => (await admin.get(`/api/runs/${String(id)}`)).phase;
	const said = async (id: number) => (await admin.log(id)).toString();

	it('goes on after its answer without the agent, and ends with the callback that the other end makes', async () => {
		const { row, log } = await by(at('/later'), { callback: true });
		expect(row).toMatchObject({ status: 'success', agent_id: agent.id, reason: null });
		expect(log).toMatch(/^202 Accepted, [^]*^The answer is taken. [^]*^half\nall of it\n$/m);

		const { id, body } = await byCallback('/echo');
		await expect.poll(async () => said(id)).toContain('The answer is taken');
		// What came back of the token is not shown.
		expect(await said(id)).toContain('"callback_token":"•••"');
		expect(askedBy(body).callback_url).toBe(`${hub.url}/api/hooks/runs/${String(id)}`);
		await agent.kill9();
		await expect.poll(async () => (await admin.get(`/api/agents/${String(agent.id)}`)).status).toBe('offline');
		await expect.poll(() => phase(id)).toBe('running');
		for (const token of ['', 'x', askedBy(came('/later').at(-1)?.body ?? '').callback_token])
			expect(await report(body, { status: 'success', token }), token).toBe(token === '' ? 400 : 404);
		expect(await report(body, { status: 'failed', message: 'disk full', output: 'no room' })).toBe(204);
		expect(await report(body, { status: 'success' })).toBe(404);
		expect(await admin.ended(id)).toMatchObject({
			status: 'failed',
			reason: { code: 'reported', message: 'disk full' },
		});
		expect(await said(id)).toMatch(/no room\ndisk full\n$/);
		agent.start();
	});

	it('has the end that was told first, and what was told while its answer was out comes after that', async () => {
		const { row, log } = await by(at('/sooner'), { callback: true });
		expect(row).toMatchObject({ status: 'success', reason: null });
		expect(log).toMatch(/^500 [^]*too late\n[^]*^half\nall of it\n$/m);
	});

	it('is waited for where its agent dies before the answer is there, and is not asked for again', async () => {
		const { id, body } = await byCallback('/silent');
		await agent.kill9();
		await expect.poll(() => phase(id)).toBe('disconnected');
		expect(await report(body, { status: 'success', output: 'done elsewhere' })).toBe(204);
		expect(await phase(id)).toBe('disconnected');
		agent.start();
		expect(await admin.ended(id)).toMatchObject({ status: 'success', reason: null });
		expect(await said(id)).toMatch(/^POST [^]*done elsewhere\n$/);
		const key = `run_${String(id)}_1`;
		expect(came('/silent').filter(({ headers }) => headers['idempotency-key'] === key)).toHaveLength(1);
	});

	it('is canceled while it waits', async () => {
		const id = await asked(at('/silent'), { via: 'agent', secret_ref: 'env:HOOK_KEY', timeout_s: 600 });
		await expect
			.poll(() => came('/silent').some(({ headers }) => headers['idempotency-key'] === `run_${String(id)}_1`))
			.toBe(true);
		await admin.ok('POST', `/api/runs/${String(id)}/cancel`, {});
		expect(await admin.ended(id)).toMatchObject({ status: 'canceled' });
	});
});

it('is lost when the hub is killed while it waits, and is not sent again', async () => {
	const id = await asked(at('/silent'), { timeout_s: 600 });
	const before = came('/silent').length;
	await expect
		.poll(() => came('/silent').some(({ headers }) => headers['idempotency-key'] === `run_${String(id)}_1`))
		.toBe(true);
	await hub.kill9();
	await hub.restart();
	expect(await admin.ended(id)).toMatchObject({ status: 'lost', reason: { code: 'answer_lost' } });
	expect(came('/silent').length).toBeLessThanOrEqual(before + 1);
	expect(came('/silent').filter(({ headers }) => headers['idempotency-key'] === `run_${String(id)}_1`)).toHaveLength(1);
});
