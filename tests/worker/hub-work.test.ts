import { createHash, createHmac } from 'node:crypto';
import { env, exports } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Caller, fresh, idOf, ORIGIN, person, project } from './api-world.ts';
import { becomes, rowOf, runOf, Viewer } from './live-world.ts';

// Runs that the hub carries out itself. The far end is a function here; over real connections: tests/agent/http-runs.test.ts.

const KEY = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let admin: Caller;
let p: number;
/** What was sent, and what answers it. */
let sent: { url: string; init: RequestInit }[] = [];
let answer: (init: RequestInit) => Promise<Response>;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
	await admin.ok('PUT', `/api/projects/${String(p)}/hub-secrets/deploy`, { value: KEY });
	sent = [];
	answer = () => Promise.resolve(new Response('done\n', { headers: { 'content-type': 'text/plain' } }));
	vi.spyOn(globalThis, 'fetch').mockImplementation((input, init = {}) => {
		sent.push({ url: input instanceof Request ? input.url : input.toString(), init });
		return answer(init);
	});
});
afterEach(() => vi.restoreAllMocks());

/** An answer that does not come before it is let go, or the request given up. */
function heldBack(headers: Record<string, string> = {}) {
	const held = Promise.withResolvers<string>();
	answer = async ({ signal }) => {
		signal?.addEventListener('abort', () => {
			held.reject(new Error('given up'));
		});
		return new Response(await held.promise, { headers });
	};
	return held;
}

const config = (over: object = {}) => ({
	url: 'https://hooks.example.org/deploy?key=abc',
	secret_ref: 'hub:deploy',
	...over,
});
const job = async (over: object = {}, fields: object = {}): Promise<number> =>
	idOf(
		await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: fresh('job'),
			job_type: 'ops',
			execution_backend: 'webhook',
			execution_backend_config: config(over),
			...fields,
		}),
	);
const run = async (over: object = {}, fields: object = {}) => runOf(admin, await job(over, fields));
const stream = (id: number) => env.RUN_STREAM.getByName(String(id));
const log = async (id: number, of: 'stdout' | 'stderr') =>
	(await admin.ok('GET', `/api/runs/${String(id)}/log?stream=${of}`)).text;

interface Letter {
	callback_url: string;
	callback_token: string;
}
const letter = (n = 0) => JSON.parse(String(sent[n]?.init.body)) as Letter;
const report = async (id: number, body: object, headers: Record<string, string> = {}) =>
	(
		await exports.default.fetch(`${ORIGIN}/api/hooks/runs/${String(id)}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...headers },
			body: JSON.stringify(body),
		})
	).status;

it('a function may end its run by a callback too', async () => {
	const id = await runOf(
		admin,
		await job(
			{},
			{
				execution_backend: 'serverless',
				execution_backend_config: {
					...{ provider: 'workers', url: 'https://fn.example.org/', secret_ref: 'hub:deploy', callback: true },
				},
			},
		),
	);
	await expect.poll(() => log(id, 'stdout')).toContain('ends with a callback');
	await becomes(id, { status: 'running', backend: 'serverless' });
	const { callback_token: token, callback_url } = letter();
	expect(callback_url).toBe(`${ORIGIN}/api/hooks/runs/${String(id)}`);
	expect(await report(id, { token: 'x'.repeat(43), status: 'success' })).toBe(404);
	expect(await report(id, { token, status: 'running', output: 'half way' })).toBe(204);
	expect(await report(id, { token, status: 'success', message: 'all of it' })).toBe(204);
	await becomes(id, { status: 'success' });
	expect(await log(id, 'stdout')).toContain('half way\nall of it\n');
	expect(await report(id, { token, status: 'failed' })).toBe(404);
});

describe('a run by webhook that a callback ends', () => {
	/** It has answered, and is waited for. */
	async function begun(fields: object = {}) {
		const id = await run({ callback: true }, fields);
		await becomes(id, { status: 'running' });
		await expect.poll(() => log(id, 'stdout')).toContain('ends with a callback');
		return { id, token: letter().callback_token };
	}

	it('goes on after its answer, takes lines, and ends as it is told to', async () => {
		answer = ({ body }) => Promise.resolve(new Response(`you said ${String(body)}\n`));
		const { id, token } = await begun();
		expect(letter().callback_url).toBe(`${ORIGIN}/api/hooks/runs/${String(id)}`);
		expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
		expect(await report(id, { token, status: 'running', output: `half, ${token}` })).toBe(204);
		expect(await rowOf(id)).toMatchObject({ status: 'running' });
		expect(await report(id, { token, status: 'success', message: 'all of it' })).toBe(204);
		await becomes(id, { status: 'success', phase: 'done' });
		expect(await log(id, 'stdout')).toMatch(/half, •••\nall of it\n$/);
		// 46: whatever is sent back, the token is nowhere.
		const { results } = await env.DB.prepare('select * from runs where id = ?').bind(id).all();
		expect(JSON.stringify([results, await log(id, 'stdout')])).not.toContain(token);
	});

	it('fails where that is said, also before there is an answer', async () => {
		const held = heldBack();
		const id = await run({ callback: true });
		await expect.poll(() => sent.length).toBe(1);
		expect(await report(id, { token: letter().callback_token, status: 'failed', message: 'disk full' })).toBe(204);
		held.resolve('late');
		await becomes(id, { status: 'failed', reason: JSON.stringify({ code: 'reported', message: 'disk full' }) });
		expect(await log(id, 'stderr')).toBe('disk full\n');
	});

	it('29: is ended once, by its own token, and by nothing that is late', async () => {
		const { id, token } = await begun();
		const other = await begun();
		const wrong = { status: 'success' };
		for (const guess of [letter(1).callback_token, '', token.slice(1), `${token}A`, 'é'.repeat(43)])
			expect(await report(id, { ...wrong, token: guess }), guess).toBe(guess === '' ? 400 : 404);
		expect(await report(id + 1000, { ...wrong, token })).toBe(404);
		const both = await Promise.all(['success', 'failed'].map((status) => report(id, { token, status })));
		expect(both.sort()).toEqual([204, 404]);
		await becomes(id, { phase: 'done' });
		expect(await report(id, { token, status: 'running', output: 'more' })).toBe(404);
		await admin.ok('POST', `/api/runs/${String(other.id)}/cancel`, {});
		await becomes(other.id, { status: 'canceled' });
		expect(await report(other.id, { token: letter(1).callback_token, status: 'success' })).toBe(404);
		expect(await rowOf(other.id)).toMatchObject({ status: 'canceled' });
	});

	it('5: takes no page’s word for it, and nothing too large', async () => {
		const { id, token } = await begun();
		expect(await report(id, { token, status: 'success' }, { origin: 'https://evil.example' })).toBe(403);
		expect(await report(id, { token, status: 'success', output: 'x'.repeat(70_000) })).toBe(400);
		expect(await report(id, { token, status: 'success', more: 1 })).toBe(400);
		expect(await rowOf(id)).toMatchObject({ status: 'running' });
	});

	it('outlives its stream, and ends with its time limit at the latest', async () => {
		heldBack();
		const id = await run({ callback: true });
		await expect.poll(() => sent.length).toBe(1);
		await expect(runInDurableObject(stream(id), (_, state) => state.abort('gone'))).rejects.toThrow('gone');
		await runDurableObjectAlarm(stream(id));
		expect(await report(id, { token: letter().callback_token, status: 'success' })).toBe(204);
		await becomes(id, { status: 'success' });

		sent = [];
		answer = () => Promise.resolve(new Response('begun'));
		const late = await begun({ timeout_s: 1 });
		await becomes(late.id, { status: 'failed', reason: expect.stringContaining('"timeout"') });
		expect(await report(late.id, { token: late.token, status: 'success' })).toBe(404);
	});

	it('9: guesses are counted per address, and callbacks per run', async () => {
		const { id, token } = await begun();
		const many = await Promise.all(Array.from({ length: 70 }, () => report(id, { token, status: 'running' })));
		expect(new Set(many)).toEqual(new Set([204, 429]));
		const guesses = await Promise.all(
			Array.from({ length: 110 }, () => report(id, { token: 'no', status: 'running' })),
		);
		expect(new Set(guesses)).toEqual(new Set([404, 429]));
	});
});

describe('a run by a function', () => {
	const FUNCTION = 'https://a1b2c3.lambda-url.eu-west-1.on.aws/deploy?stage=eu%20west&a=1';
	const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
	const called = async (config: object) =>
		runOf(
			admin,
			await job(
				{},
				{ execution_backend: 'serverless', execution_backend_config: { secret_ref: 'hub:aws', ...config } },
			),
		);

	it('of AWS Lambda is signed as AWS has it', async () => {
		await admin.ok('PUT', `/api/projects/${String(p)}/hub-secrets/aws`, { value: `AKIDEXAMPLE12345:${SECRET}` });
		const id = await called({ provider: 'lambda', url: FUNCTION });
		await becomes(id, { status: 'success', backend: 'serverless', agent_id: null });
		const init = sent[0]?.init ?? {};
		const headers = new Headers(init.headers);
		const authorization = headers.get('authorization') ?? '';
		const [, day = '', names = '', signature] =
			/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE12345\/(\d{8})\/eu-west-1\/lambda\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
				authorization,
			) ?? [];
		// Made anew, as AWS tells to.
		const hash = (text: string) => createHash('sha256').update(text).digest('hex');
		const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
		const at = headers.get('x-amz-date') ?? '';
		expect(at.slice(0, 8)).toBe(day);
		const host = new URL(FUNCTION).host;
		const list = names.split(';').map((name) => `${name}:${name === 'host' ? host : String(headers.get(name))}\n`);
		const request = ['POST', '/deploy', 'a=1&stage=eu%20west', list.join(''), names, hash(String(init.body))].join(
			'\n',
		);
		const text = ['AWS4-HMAC-SHA256', at, `${day}/eu-west-1/lambda/aws4_request`, hash(request)].join('\n');
		const key = ['eu-west-1', 'lambda', 'aws4_request'].reduce(hmac, hmac(`AWS4${SECRET}`, day));
		expect(signature).toBe(hmac(key, text).toString('hex'));
		expect(names.split(';')).toContain('host');
		expect(JSON.stringify([sent.map(({ init }) => init), await log(id, 'stdout')])).not.toContain(SECRET);
	});

	it('of anybody else is signed as a webhook is; what fails is told alike', async () => {
		answer = () => Promise.resolve(new Response('no', { status: 500 }));
		const id = await called({ provider: 'knative', url: 'https://fn.example.org/', secret_ref: 'hub:deploy' });
		await becomes(id, { status: 'failed', reason: expect.stringContaining('http_status') });
		const headers = new Headers(sent[0]?.init.headers);
		expect(headers.get('webhook-signature')).toMatch(/^v1,/);
		expect(headers.has('authorization')).toBe(false);
	});

	it('of AWS Lambda needs a key of AWS', async () => {
		const id = await called({ provider: 'lambda', url: FUNCTION, secret_ref: 'hub:deploy' });
		await becomes(id, { status: 'failed', reason: expect.stringContaining('ACCESS_KEY_ID:SECRET') });
		expect(sent).toEqual([]);
	});
});

describe('a run by webhook', () => {
	it('is a signed request with what is to be done, and its answer is the log', async () => {
		const held = heldBack({ 'content-type': 'text/plain', 'set-cookie': 'a=b' });
		const id = idOf(
			await admin.ok('POST', `/api/jobs/${String(await job({ headers: { 'X-Team': 'infra' } }))}/runs`, {
				parameters: { TARGET: 'eu' },
			}),
		);
		// While the answer is awaited it is shown as running, and who watches sees what was sent.
		await becomes(id, { status: 'running', phase: 'running', agent_id: null, epoch: 1 });
		const viewer = await Viewer.open(admin, id);
		await expect.poll(() => viewer.log()).toBe('POST https://hooks.example.org/deploy?…\n');
		held.resolve('done\n');
		await viewer.socket.closes(1000);
		expect(viewer.log()).toMatch(/^POST .*\n200.*, after \d+ ms\ncontent-type: text\/plain\n\ndone\n$/);
		await becomes(id, { status: 'success', phase: 'done', agent_id: null, exit_code: null });

		expect(sent).toHaveLength(1);
		const [{ url, init } = { url: '', init: {} }] = sent;
		const headers = new Headers(init.headers);
		expect({ url, method: init.method, redirect: init.redirect }).toEqual({
			url: config().url,
			method: 'POST',
			redirect: 'manual',
		});
		expect(Object.fromEntries(headers)).toMatchObject({
			'x-team': 'infra',
			'uhub-event': 'run.request',
			'webhook-id': `run_${String(id)}_1`,
			'idempotency-key': `run_${String(id)}_1`,
		});
		const body = String(init.body);
		expect(JSON.parse(body)).toMatchObject({
			run_id: id,
			attempt: 1,
			project: { id: p },
			environment: null,
			parameters: { TARGET: 'eu' },
		});
		const hmac = await crypto.subtle.importKey(
			'raw',
			Uint8Array.from(atob(KEY.slice(6)), (c) => c.charCodeAt(0)),
			{ name: 'HMAC', hash: 'SHA-256' },
			false,
			['verify'],
		);
		const signature = Uint8Array.from(atob(headers.get('webhook-signature')?.slice(3) ?? ''), (c) => c.charCodeAt(0));
		const text = `${String(headers.get('webhook-id'))}.${String(headers.get('webhook-timestamp'))}.${body}`;
		expect(await crypto.subtle.verify('HMAC', hmac, signature, new TextEncoder().encode(text))).toBe(true);

		const audit = "select action from audit_logs where object_type = 'Run' and object_id = ? order by id";
		const { results } = await env.DB.prepare(audit).bind(id).all();
		expect(results.map(({ action }) => action)).toEqual(['run.start', 'run.grant', 'run.finish']);
	});

	it.each<[string, object, () => Promise<Response>, string]>([
		['another status', {}, () => Promise.resolve(new Response('busy', { status: 503 })), 'http_status'],
		[
			'a status that was not agreed on',
			{ expected_status: 202 },
			() => Promise.resolve(new Response('')),
			'http_status',
		],
		[
			'30: a redirect',
			{},
			() => Promise.resolve(new Response(null, { status: 302, headers: { location: 'https://169.254.169.254/' } })),
			'http_refused',
		],
		['no way there', {}, () => Promise.reject(new TypeError('Network connection lost.')), 'http_unreachable'],
	])('that gets %s fails, and says so', async (_, over, bad, code) => {
		answer = bad;
		const id = await run(over);
		await becomes(id, { status: 'failed', exit_code: null, reason: expect.stringContaining(code) });
		const { message } = JSON.parse(String((await rowOf(id)).reason)) as { message: string };
		expect(await log(id, 'stderr')).toBe(`${message}\n`);
		expect(sent).toHaveLength(1);
	});

	it('that gets no answer in time fails', async () => {
		heldBack();
		await becomes(await run({ timeout_s: 1 }), { status: 'failed', reason: expect.stringContaining('"timeout"') });
	});

	it('of which the key is not there is not sent', async () => {
		const id = await run({ secret_ref: 'hub:other' });
		await becomes(id, { status: 'failed', reason: expect.stringContaining('secret_unavailable') });
		expect(sent).toEqual([]);
	});

	it('30: goes nowhere it may not, however the address came to be there', async () => {
		const id = await job();
		for (const url of [
			'https://10.0.0.1/',
			'https://[::1]/',
			'https://metadata.internal/',
			'http://hooks.example.org/',
		]) {
			const text = JSON.stringify(config({ url }));
			await env.DB.prepare('update jobs set execution_backend_config = ? where id = ?').bind(text, id).run();
			await becomes(await runOf(admin, id), { status: 'failed', reason: expect.stringContaining('http_refused') });
		}
		expect(sent).toEqual([]);
	});

	it('whose answer is bytes without end keeps text, and so much of it', async () => {
		let parts = 0;
		answer = () =>
			Promise.resolve(
				new Response(
					new ReadableStream({
						pull(controller) {
							parts++;
							controller.enqueue(new Uint8Array(65_536).fill(parts % 2 === 0 ? 0xff : 0x61));
						},
					}),
				),
			);
		const id = await run();
		await becomes(id, { status: 'success' });
		expect(parts).toBeLessThan(20);
		expect(await log(id, 'stderr')).toContain('longer than 1 MiB');
		expect(Number((await rowOf(id)).log_bytes)).toBeLessThan(4 * 1_048_576);
	});

	it('is canceled at once; the answer that comes then changes nothing', async () => {
		const held = heldBack();
		const id = await run();
		await becomes(id, { status: 'running' });
		await admin.ok('POST', `/api/runs/${String(id)}/cancel`, {});
		await becomes(id, { status: 'canceled', phase: 'done', reason: expect.stringContaining('elsewhere') });
		expect(sent[0]?.init.signal?.aborted).toBe(true);
		held.resolve('late');
		await runDurableObjectAlarm(stream(id));
		expect(await rowOf(id)).toMatchObject({ status: 'canceled' });
	});

	it('is lost when its stream ends while it waits, and is never sent again', async () => {
		heldBack();
		const id = await run();
		await becomes(id, { status: 'running' });
		await expect.poll(() => sent.length).toBe(1);
		await expect(runInDurableObject(stream(id), (_, state) => state.abort('gone'))).rejects.toThrow('gone');
		// Nobody comes by: the alarm is enough, and rings as often as it likes.
		await runDurableObjectAlarm(stream(id));
		await becomes(id, { status: 'lost', phase: 'done', reason: expect.stringContaining('answer_lost') });
		await runDurableObjectAlarm(stream(id));
		await env.PROJECT_ROOM.getByName(String(p)).look();
		expect(sent).toHaveLength(1);
		expect(await rowOf(id)).toMatchObject({ status: 'lost', epoch: 1 });
	});

	it('stays awake for its answer: the alarm alone loses nothing', async () => {
		const held = heldBack();
		const id = await run();
		await becomes(id, { status: 'running' });
		await runDurableObjectAlarm(stream(id));
		await runDurableObjectAlarm(stream(id));
		held.resolve('at last');
		await becomes(id, { status: 'success' });
	});

	it('waits for its turn: the hub waits for so many answers of a project at once', async () => {
		const held = heldBack();
		const id = await job();
		const runs = await Promise.all(Array.from({ length: 22 }, () => runOf(admin, id)));
		await expect.poll(() => sent.length).toBe(20);
		await expect
			.poll(async () => (await Promise.all(runs.map(rowOf))).map(({ reason }) => String(reason)), { timeout: 30_000 })
			.toContainEqual(expect.stringContaining('answers at once'));
		expect(sent).toHaveLength(20);
		held.resolve('yes');
		answer = () => Promise.resolve(new Response('yes'));
		for (const one of runs) await becomes(one, { phase: 'done' });
		expect(new Set(sent.map(({ init }) => new Headers(init.headers).get('idempotency-key'))).size).toBe(22);
	});

	it('by an agent waits for one, whatever the hub itself could do meanwhile', async () => {
		const id = await run({ via: 'agent', secret_ref: 'env:KEY', url: 'http://10.0.0.1/deploy' });
		await becomes(id, { status: 'queued', reason: expect.stringContaining('no_agent') });
		await becomes(await run(), { status: 'success' });
		expect(sent.map(({ url }) => url)).toEqual([config().url]);
		expect(await rowOf(id)).toMatchObject({ status: 'queued' });
	});

	it('is refused where it asks for what a request cannot do', async () => {
		const refused = async (id: number, body: object, path: string) => {
			expect(await admin.call('POST', `/api/jobs/${String(id)}/runs`, { body })).toMatchObject({
				status: 400,
				body: { errors: [{ path }] },
			});
		};
		const script = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
			tool: 'shell',
			name: 's',
			location_type: 'uploaded',
			content: 'true',
		});
		const scripted = await job({}, { script_ids: [script.id] });
		expect((await admin.call('POST', `/api/jobs/${String(scripted)}/runs`, { body: {} })).status).toBe(409);
		const secret = await job({}, { parameters_schema: [{ name: 'TOKEN', type: 'secret', default: 'env:TOKEN' }] });
		await refused(secret, {}, 'parameters.TOKEN');
		await refused(await job(), { check: true }, 'check');
		expect(sent).toEqual([]);
	});
});
