import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, fresh, idOf, person, project } from './api-world.ts';
import { becomes, enrolled, queuedRun, rowOf, runOf, TestAgent } from './live-world.ts';

// What was asked for is what runs, however long it waits; and it does not wait for ever.

let admin: Caller;
let p: number;

beforeEach(async () => {
	admin = await person('admin');
	p = await project(admin);
});

const online = async () => (await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }))).agent;
const look = () => env.PROJECT_ROOM.getByName(String(p)).look();
const jobOf = async (run: number) => Number((await rowOf(run)).job_id);
const edit = async (path: string, fields: object) => {
	const { version } = await admin.ok('GET', path);
	return admin.ok('PATCH', path, fields, { 'if-match': `"v${String(version)}"` });
};
async function scriptOf(run: number): Promise<{ path: string; name: string; sha256: string }> {
	const { script_ids } = await admin.ok('GET', `/api/jobs/${String(await jobOf(run))}`);
	const path = `/api/scripts/${String((script_ids as number[])[0])}`;
	const { name, sha256 } = await admin.ok('GET', path);
	return { path, name: String(name), sha256: String(sha256) };
}
const changed = { status: 'failed', reason: expect.stringContaining('"request_changed"') };

describe('a run that waits', () => {
	it('39: whose script is edited meanwhile ends and names it, and nothing of it is offered', async () => {
		const run = await queuedRun(admin, p);
		const { path, name } = await scriptOf(run);
		await edit(path, { content: 'rm -rf /\n' });
		const agent = await online();
		await becomes(run, changed);
		expect((await rowOf(run)).reason).toContain(`Changed since it was asked for: ${name}.`);
		expect(agent.all('offer')).toHaveLength(0);
		// Who asks again asks for what there is now.
		const again = await admin.ok('POST', `/api/runs/${String(run)}/retry`, {});
		expect((await agent.offered()).run_id).toBe(again.id);
		expect((await agent.next('offer')).spec).toMatchObject({ steps: [{ sha256: (await scriptOf(run)).sha256 }] });
	});

	it.each([
		['its arguments', (job: string) => edit(job, { arguments: ['--force'] })],
		['its time limit', (job: string) => edit(job, { timeout_s: 7 })],
		[
			'where it runs',
			() =>
				edit(`/api/projects/${String(p)}`, {
					execution_backend: 'local',
					execution_backend_config: { env: { A: 'b' } },
				}),
		],
		[
			'which scripts it has',
			async (job: string) => {
				const other = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
					...{ tool: 'shell', name: fresh('other'), location_type: 'uploaded', content: 'true\n' },
				});
				return edit(job, { script_ids: [other.id] });
			},
		],
	])('39: the same where %s are changed', async (_, change) => {
		const run = await queuedRun(admin, p);
		await change(`/api/jobs/${String(await jobOf(run))}`);
		const agent = await online();
		await becomes(run, changed);
		expect(agent.all('offer')).toHaveLength(0);
	});

	it('starts where only words about it were changed, or everything is as it was again', async () => {
		const run = await queuedRun(admin, p);
		const { path } = await scriptOf(run);
		await edit(path, { content: 'echo other\n' });
		await edit(path, { content: 'echo hello\n', description: 'says hello' });
		await edit(`/api/jobs/${String(await jobOf(run))}`, { title: fresh('another title'), priority: 'high' });
		const agent = await online();
		expect((await agent.offered()).run_id).toBe(run);
		expect((await rowOf(run)).request_hash).toMatch(/^[0-9a-f]{64}$/);
	});

	it('39: had nothing to run when it was asked for does not start when there is something', async () => {
		const first = await queuedRun(admin, p);
		const { sha256 } = await scriptOf(first);
		const set = (value: string | null) =>
			env.DB.prepare('update script_refs set sha256 = ? where project_id = ?').bind(value, p).run();
		await set(null);
		const run = await runOf(admin, await jobOf(first));
		await set(sha256);
		const agent = await online();
		await becomes(run, changed);
		expect((await agent.offered()).run_id).toBe(first);
		expect(agent.all('offer')).toHaveLength(1);
	});

	it('one that was asked for before runs were bound to anything starts as it would have', async () => {
		const run = await queuedRun(admin, p);
		await env.DB.prepare('update runs set request_hash = null, start_before = null where id = ?').bind(run).run();
		expect((await (await online()).offered()).run_id).toBe(run);
	});
});

describe('another attempt by itself', () => {
	const attemptOf = async (run: number) =>
		Number(await env.DB.prepare('select id from runs where retry_of = ?').bind(run).first('id'));
	const failing = async (edited: boolean) => {
		const first = await queuedRun(admin, p, { retry: { max: 1, delay_s: 0, on: ['exit_code'] } });
		const { path, sha256 } = await scriptOf(first);
		const agent = await online();
		const writer = await agent.start();
		if (edited) await edit(path, { content: 'echo other\n' });
		await writer.finish('failed', { reason: { code: 'exit_code', message: 'Exit code 1.' } });
		await becomes(first, { status: 'failed' });
		return { first, agent, sha256, second: await attemptOf(first) };
	};

	it('39: runs the very same', async () => {
		const { first, agent, sha256, second } = await failing(false);
		expect(await agent.offered(2)).toMatchObject({ run_id: second });
		expect((await agent.next('offer', 2)).spec).toMatchObject({ steps: [{ sha256 }] });
		expect((await rowOf(second)).request_hash).toBe((await rowOf(first)).request_hash);
	});

	it('39: or nothing, where its script was edited while the one before ran', async () => {
		const { agent, second } = await failing(true);
		await becomes(second, changed);
		expect(agent.all('offer')).toHaveLength(1);
	});
});

describe('the time a run may wait', () => {
	const over = (run: number) =>
		env.DB.prepare('update runs set start_before = ? where id = ?')
			.bind(Date.now() - 1, run)
			.run();
	const late = { status: 'canceled', reason: expect.stringContaining('"waited_too_long"') };

	it('is its job’s, a day where it says nothing, and counts from when nothing but its turn is waited for', async () => {
		const plain = await rowOf(await queuedRun(admin, p));
		expect(Number(plain.start_before) - Number(plain.requested_at)).toBe(86_400_000);
		const short = await rowOf(await queuedRun(admin, p, { start_within_s: 90 }));
		expect(Number(short.start_before) - Number(short.requested_at)).toBe(90_000);
		const prod = await admin.ok('POST', `/api/projects/${String(p)}/environments`, {
			...{ name: fresh('env'), type: 'prod' },
			protection: { requires_approval: true, four_eyes: true, allowed_roles: [] },
		});
		const asks = await rowOf(await queuedRun(admin, p, { environment_id: prod.id, start_within_s: 90 }));
		expect(Number(asks.start_before) - Number(asks.approval_expires_at)).toBe(90_000);
	});

	it('bad ones are refused by name', async () => {
		for (const start_within_s of [0, 59, 2_592_001, 1.5, null, '60']) {
			const answer = await admin.call('POST', `/api/projects/${String(p)}/jobs`, {
				body: { title: 'x', job_type: 'ops', start_within_s },
			});
			expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'start_within_s' }] } });
		}
	});

	it('when it is over the run ends and says what it waited for, whether or not anybody could take it', async () => {
		const run = await queuedRun(admin, p);
		await becomes(run, { reason: expect.stringContaining('"no_agent"') });
		await over(run);
		await look();
		await becomes(run, late);
		expect((await rowOf(run)).reason).toContain('No agent is online');
		expect((await rowOf(run)).started_at).toBeNull();

		const paused = await queuedRun(admin, p);
		await edit(`/api/projects/${String(p)}`, { status: 'paused' });
		await over(paused);
		await look();
		await becomes(paused, late);
	});

	it('an agent that comes a moment later is given nothing of it; what it has already goes on', async () => {
		const [waits, under] = [await queuedRun(admin, p), await queuedRun(admin, p)];
		await over(waits);
		const agent = await online();
		await becomes(waits, late);
		const writer = await agent.start();
		expect(writer.run.run_id).toBe(under);
		await over(under);
		await look();
		await writer.finish();
		await becomes(under, { status: 'success' });
		expect(agent.all('offer')).toHaveLength(1);
	});

	it('the room wakes by itself when it is over', async () => {
		const run = await queuedRun(admin, p, { start_within_s: 60 });
		await becomes(run, { reason: expect.stringContaining('"no_agent"') });
		await env.DB.prepare('update runs set start_before = ? where id = ?')
			.bind(Date.now() + 3_000, run)
			.run();
		// Another one has the room look at what waits, and so see when the first one's time will be over.
		await queuedRun(admin, p);
		// Where this machine was too slow for that, the room looks again by itself half a minute later.
		await expect.poll(() => rowOf(run), { timeout: 45_000 }).toMatchObject(late);
	}, 60_000);
});

it('a run shows both to who reads it', async () => {
	const run = await admin.ok('GET', `/api/runs/${String(await queuedRun(admin, p))}`);
	expect(run).toMatchObject({
		id: idOf(run),
		request_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
		start_before: expect.stringMatching(/Z$/),
	});
});
