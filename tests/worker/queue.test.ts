import { env } from 'cloudflare:workers';
import { evictDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, person, project } from './api-world.ts';
import { becomes, enrolled, queuedRun, rowOf, runOf, TestAgent } from './live-world.ts';

// What waits, for what, and what goes first.

let admin: Caller;
let p: number;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
});

const room = () => env.PROJECT_ROOM.getByName(String(p));
const online = async (fields: Record<string, unknown> = {}, capacity = 4) => {
	const identity = await enrolled({ project_ids: JSON.stringify([p]), capacity, ...fields });
	return (await TestAgent.online(identity, { capacity })).agent;
};
const because = (code: string) => ({ status: 'queued', reason: expect.stringContaining(`"${code}"`) });
const jobOf = async (run: number) => Number((await rowOf(run)).job_id);
const set = (run: number, columns: string) => env.DB.exec(`update runs set ${columns} where id = ${String(run)}`);

describe('a concurrency key', () => {
	it('lets one run go at a time, and says which the others wait for', async () => {
		const agent = await online();
		const first = await queuedRun(admin, p, { concurrency_key: 'deploy:prod' });
		const writer = await agent.start();
		await becomes(first, { status: 'running' });
		const second = await runOf(admin, await jobOf(first));
		await becomes(second, {
			...because('same_key'),
			reason: JSON.stringify({
				code: 'same_key',
				message: `Waits for run ${String(first)}, which has the same key: deploy:prod`,
			}),
		});
		// Another key, and none, are not held up.
		const other = await queuedRun(admin, p, { concurrency_key: 'deploy:staging' });
		const plain = await queuedRun(admin, p);
		const offered = [(await agent.offered(2)).run_id, (await agent.offered(3)).run_id];
		expect(offered.sort()).toEqual([other, plain].sort());
		await writer.finish();
		expect((await agent.offered(4)).run_id).toBe(second);
	});

	it('is still held after an eviction, and by a run whose start is not written down yet', async () => {
		const agent = await online();
		const first = await queuedRun(admin, p, { concurrency_key: 'one' });
		await agent.offered();
		await evictDurableObject(room());
		const urgent = await queuedRun(admin, p, { concurrency_key: 'one', priority: 'critical' });
		await room().look();
		await becomes(urgent, because('same_key'));
		expect(agent.all('offer')).toHaveLength(1);
		// The offer is not taken: the run waits again, and the more urgent one goes first.
		agent.say({ type: 'refuse', ...(await agent.offered()), reason: { code: 'agents_busy', message: 'full' } });
		expect((await agent.offered(2)).run_id).toBe(urgent);
		await becomes(first, because('same_key'));
	});
});

describe('what waits', () => {
	it('for the pause before an attempt goes when it is over', async () => {
		const agent = await online();
		const writer = await queuedRun(admin, p).then(() => agent.start());
		const later = await queuedRun(admin, p, { labels: { none: 'yet' } });
		const until = Date.now() + 1500;
		await set(later, `not_before = ${String(until)}, labels = '{}'`);
		await room().queued(later);
		await writer.finish();
		expect((await agent.offered(2)).run_id).toBe(later);
		expect(Date.now()).toBeGreaterThanOrEqual(until);
	});

	it('is not given to an agent that drains, which goes on with what it has', async () => {
		const agent = await online();
		const first = await queuedRun(admin, p);
		const writer = await agent.start();
		const drain = async (draining: boolean) => {
			const { version } = await admin.ok('GET', `/api/agents/${String(agent.id)}`);
			await admin.ok('PATCH', `/api/agents/${String(agent.id)}`, { draining }, { 'if-match': `"v${String(version)}"` });
		};
		await drain(true);
		const second = await queuedRun(admin, p);
		await becomes(second, because('agents_draining'));
		await writer.finish();
		await becomes(first, { status: 'success' });
		await room().look();
		expect(agent.all('offer')).toHaveLength(1);
		await drain(false);
		expect((await agent.offered(2)).run_id).toBe(second);
	});

	it('for an agent that is not there holds nothing up that another one could do', async () => {
		const waiting = await queuedRun(admin, p, { labels: { gpu: 'yes' }, priority: 'high' });
		const job_id = await jobOf(waiting);
		const now = Date.now();
		await env.DB.prepare(
			`with recursive n(i) as (select 1 union all select i + 1 from n where i < 500)
			 insert into runs (job_id, project_id, triggered_by_id, backend, priority, labels, requested_at, created_at, updated_at)
			 select ?1, ?2, ?3, 'local', 'high', '{"gpu":"yes"}', ?4, ?4, ?4 from n`,
		)
			.bind(job_id, p, admin.id, now)
			.run();
		const agent = await online();
		const able = await queuedRun(admin, p, { priority: 'low' });
		expect((await agent.offered()).run_id).toBe(able);
	});

	it('goes by the priority and the labels its job has now', async () => {
		const [low, high] = [await queuedRun(admin, p, { priority: 'low' }), await queuedRun(admin, p)];
		const job = `/api/jobs/${String(await jobOf(low))}`;
		await admin.ok('PATCH', job, { priority: 'critical', labels: { site: 'a' } }, { 'if-match': '"v1"' });
		expect(await rowOf(low)).toMatchObject({ priority: 'critical', labels: '{"site":"a"}' });
		const agent = await online({ labels: '{"site":"a"}' });
		expect([(await agent.offered()).run_id, (await agent.offered(2)).run_id]).toEqual([low, high]);
	});

	it('can be canceled, whatever it waits for', async () => {
		const agent = await online({ labels: '{"site":"a"}' }, 1);
		await queuedRun(admin, p, { concurrency_key: 'k' });
		await agent.start();
		const prod = await admin.ok('POST', `/api/projects/${String(p)}/environments`, { name: 'e', type: 'test' });
		await admin.ok('POST', '/api/freezes', {
			project_id: p,
			environment_id: prod.id,
			title: 'Payday',
			reason: 'x',
			start: new Date(Date.now() - 1000).toISOString(),
			end: new Date(Date.now() + 3_600_000).toISOString(),
		});
		const later = await queuedRun(admin, p);
		await set(later, `not_before = ${String(Date.now() + 3_600_000)}`);
		await room().queued(later);
		const waiting: [string, number][] = [
			['later', later],
			['frozen', await queuedRun(admin, p, { environment_id: prod.id })],
			['same_key', await queuedRun(admin, p, { concurrency_key: 'k' })],
			['no_agent', await queuedRun(admin, p, { labels: { site: 'b' } })],
			['agents_busy', await queuedRun(admin, p)],
			['behind_others', await queuedRun(admin, p)],
		];
		for (const [code, run] of waiting) await becomes(run, because(code));
		for (const [, run] of waiting) await admin.ok('POST', `/api/runs/${String(run)}/cancel`);
		for (const [code, run] of waiting)
			await becomes(run, { status: 'canceled', reason: expect.stringContaining('canceled_by_user') }).catch(
				(error: unknown) => {
					throw new Error(`what waited for ${code} was not canceled`, { cause: error });
				},
			);
		expect(agent.all('offer')).toHaveLength(1);
	});
});

it('a slot goes round among the projects that wait for it', async () => {
	const other = await project(admin);
	const identity = await enrolled({ project_ids: JSON.stringify([p, other]), capacity: 1 });
	const { agent } = await TestAgent.online(identity, { capacity: 1 });
	await queuedRun(admin, p);
	let writer = await agent.start();
	for (let i = 0; i < 4; i++) await queuedRun(admin, p);
	const last = [];
	for (let i = 0; i < 3; i++) last.push(await queuedRun(admin, other));
	for (const run of last) await becomes(run, { reason: expect.stringContaining('agent') });
	const given = [];
	for (let n = 2; n <= 7; n++) {
		await writer.finish();
		writer = await agent.start(n);
		given.push((await rowOf(writer.run.run_id)).project_id === p ? 'p' : 'other');
	}
	expect(given).toEqual(['p', 'other', 'p', 'other', 'p', 'other']);
});
