import { createHash } from 'node:crypto';
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, ORIGIN, person, project } from './api-world.ts';
import { becomes, enrolled, rowOf, runOf, TestAgent, Viewer, type Writer } from './live-world.ts';

// A request that an agent sends, and whose end a callback tells: the hub's side. With a real agent: tests/agent/http-runs.test.ts.

const TOKEN = 'a-token-that-only-the-agent-and-the-other-end-have';
const callback_sha256 = createHash('sha256').update(TOKEN).digest('hex');
let admin: Caller;
let p: number;
let agent: TestAgent;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
	const identity = await enrolled({ project_ids: JSON.stringify([p]), capacity: 1 });
	({ agent } = await TestAgent.online(identity, { v: 2, capacity: 1, backends: ['webhook'] }));
});

const queued = async (config: object = {}): Promise<number> =>
	runOf(
		admin,
		idOf(
			await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
				title: fresh('job'),
				job_type: 'ops',
				execution_backend: 'webhook',
				execution_backend_config: {
					...{ url: 'http://10.0.0.9/run', via: 'agent', secret_ref: 'env:KEY', callback: true },
					...config,
				},
			}),
		),
	);
/** A run that the agent has sent the request of, and said something. */
async function asked(n = 1, accept = { callback_sha256 }): Promise<{ id: number; writer: Writer }> {
	const id = await queued();
	const writer = await agent.start(n, accept);
	await writer.write('202 Accepted\n');
	await writer.acked();
	return { id, writer };
}
const stream = (id: number) => env.RUN_STREAM.getByName(String(id));
const log = async (id: number) => (await admin.ok('GET', `/api/runs/${String(id)}/log`)).text;
const report = async (id: number, body: object) =>
	(
		await exports.default.fetch(`${ORIGIN}/api/hooks/runs/${String(id)}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', 'cf-connecting-ip': '192.0.2.37' },
			body: JSON.stringify({ token: TOKEN, ...body }),
		})
	).status;

describe('a request that an agent sent, and that a callback ends', () => {
	it('gives the agent’s slot back, and outlives its stream', async () => {
		const { id, writer } = await asked();
		await writer.finish('begun', { exit_code: null });
		await writer.finished();
		await becomes(id, { status: 'running', agent_id: agent.id });
		// With a capacity of one there is room for the next.
		const next = await queued();
		expect((await agent.offered(2)).run_id).toBe(next);
		await evictDurableObject(stream(id));
		expect(await report(id, { status: 'running', output: 'half' })).toBe(204);
		await evictDurableObject(stream(id));
		expect(await report(id, { status: 'success', output: 'all of it' })).toBe(204);
		await becomes(id, { status: 'success', reason: null, exit_code: null });
		expect(await log(id)).toBe('202 Accepted\nhalf\nall of it\n');
		expect(await report(id, { status: 'failed' })).toBe(404);
	});

	it('tells those who watch all of it, and when it is over', async () => {
		const { id, writer } = await asked();
		const viewer = await Viewer.open(admin, id);
		expect(await report(id, { status: 'running', output: 'early' })).toBe(204);
		await writer.finish('begun', { exit_code: null });
		await writer.finished();
		expect(await report(id, { status: 'success', output: 'late' })).toBe(204);
		await expect.poll(() => viewer.socket.closed).toMatchObject({ code: 1000 });
		expect(viewer.log()).toBe('202 Accepted\nearly\nlate\n');
		expect(viewer.rows.at(-1)).toMatchObject({ status: 'success', phase: 'done' });
	});

	it('keeps what is said before the answer is in, in its order, through an eviction at any point', async () => {
		const { id, writer } = await asked();
		expect(await report(id, { status: 'running', output: 'one' })).toBe(204);
		await evictDurableObject(stream(id));
		expect(await report(id, { status: 'failed', output: 'two', message: 'disk full' })).toBe(204);
		expect(await report(id, { status: 'success' })).toBe(404);
		await evictDurableObject(stream(id));
		expect(await rowOf(id)).toMatchObject({ status: 'running' });
		await writer.write('taken\n');
		await writer.finish('begun', { exit_code: null });
		await writer.finished();
		await becomes(id, { status: 'failed', reason: expect.stringContaining('disk full') });
		expect(await log(id)).toBe('202 Accepted\ntaken\none\ntwo\ndisk full\n');
	});

	it('holds so much of what comes early, and refuses the rest for now', async () => {
		const { id } = await asked();
		const output = '\0'.repeat(60_000);
		const answers: number[] = [];
		for (let n = 0; n < 6; n++) answers.push(await report(id, { status: 'running', output }));
		expect(answers).toEqual([204, 204, 429, 429, 429, 429]);
		expect(await report(id, { status: 'success' })).toBe(204);
	});

	it('takes nothing from the agent that comes after its end, and says that it is kept', async () => {
		const { id, writer } = await asked();
		await writer.finish('begun', { exit_code: null });
		await writer.finished();
		await writer.write('more\n');
		await expect.poll(() => agent.all('lease').some(({ runs }) => runs.some((r) => r.run_id === id))).toBe(true);
		expect(await report(id, { status: 'success' })).toBe(204);
		await becomes(id, { status: 'success' });
		expect(await log(id)).toBe('202 Accepted\n');
	});

	it('29: has no other token, none before it is granted, and none where the job asks for no callback', async () => {
		const waiting = await queued();
		const { run_id, epoch } = await agent.offered();
		expect(await report(waiting, { status: 'success' })).toBe(404);
		agent.say({ type: 'refuse', run_id, epoch, reason: { code: 'refused_by_policy', message: 'no' } });
		await becomes(waiting, { status: 'failed' });

		const id = await queued({ callback: false });
		const writer = await agent.start(2, { callback_sha256 });
		expect(await report(id, { status: 'success' })).toBe(404);
		await writer.finish('begun', { exit_code: null });
		await becomes(id, { status: 'failed', reason: expect.stringContaining('"timeout"') });
	});

	it('is canceled at once where its agent has no part in it any more', async () => {
		const { id, writer } = await asked();
		await writer.finish('begun', { exit_code: null });
		await writer.finished();
		await admin.ok('POST', `/api/runs/${String(id)}/cancel`, {});
		await becomes(id, { status: 'canceled', reason: expect.stringContaining('elsewhere') });
		expect(await report(id, { status: 'success' })).toBe(404);
		await runDurableObjectAlarm(stream(id));
		expect(await rowOf(id)).toMatchObject({ status: 'canceled' });
	});
});
