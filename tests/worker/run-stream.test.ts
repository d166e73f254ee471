import { env } from 'cloudflare:workers';
import { evictDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, person, project } from './api-world.ts';
import { type AgentIdentity, becomes, enrolled, queuedRun, rowOf, TestAgent, Viewer } from './live-world.ts';

let ops: Caller;
let p: number;
let identity: AgentIdentity;

beforeEach(async () => {
	const admin = await person('admin');
	ops = admin;
	p = await project(admin);
	identity = await enrolled({ project_ids: JSON.stringify([p]) });
});

const stream = (id: number) => env.RUN_STREAM.getByName(String(id));

describe('a run, from the request to its outcome', () => {
	it('is offered, granted, written, watched and finished; the record has it all', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const viewer = await Viewer.open(ops, run);
		const writer = await agent.start();
		await writer.write('hello\n');
		await expect.poll(() => viewer.log()).toBe('hello\n');
		await writer.write('trouble\n', 2);
		const late = await Viewer.open(ops, run);
		await writer.write('bye\n');
		await writer.acked();
		await writer.finish('failed', { reason: { code: 'exit_code', message: 'exit code 1' } });
		await writer.finished();
		for (const v of [viewer, late]) {
			await v.socket.closes(1000);
			expect(v.log()).toBe('hello\ntrouble\nbye\n');
			expect(v.rows.at(-1)).toMatchObject({
				status: 'failed',
				phase: 'done',
				exit_code: 1,
				log_bytes: 18,
				log_lines: 3,
			});
		}
		expect(viewer.rows.map((r) => r.phase)).toEqual(expect.arrayContaining(['granted', 'running', 'done']));
		await becomes(run, { status: 'failed', phase: 'done', agent_id: agent.id, epoch: 1, log_bytes: 18, log_lines: 3 });
		expect(await rowOf(run)).toMatchObject({
			stdout_excerpt: 'hello\nbye\n',
			stderr_excerpt: 'trouble\n',
			log_path: `runs/${String(run)}`,
			exit_code: 1,
		});
		const { results } = await env.DB.prepare(
			"select action, actor_kind from audit_logs where object_type = 'Run' and object_id = ? order by id",
		)
			.bind(run)
			.all();
		expect(results).toEqual([
			{ action: 'run.start', actor_kind: 'user' },
			{ action: 'run.grant', actor_kind: 'agent' },
			{ action: 'run.finish', actor_kind: 'agent' },
		]);
		const job = await env.DB.prepare('select status from jobs where id = (select job_id from runs where id = ?)')
			.bind(run)
			.first('status');
		expect(job).toBe('failed');
		const text = await ops.call('GET', `/api/runs/${String(run)}/log?stream=stderr`);
		expect(text.body).toEqual({ text: 'trouble\n' });
	});

	it('survives an eviction at any point: nothing lost, nothing twice', async () => {
		const { agent } = await TestAgent.online(identity);
		const run = await queuedRun(ops, p);
		const writer = await agent.start();
		for (let i = 0; i < 12; i++) {
			await writer.write(`line ${String(i)}\n`);
			if (i % 4 === 1) await evictDurableObject(stream(run));
			if (i % 4 === 3) await evictDurableObject(env.AGENT_LINK.getByName(String(agent.id)));
		}
		await writer.acked();
		await evictDurableObject(stream(run));
		await writer.finish();
		await writer.finished();
		const whole = Array.from({ length: 12 }, (_, i) => `line ${String(i)}\n`).join('');
		const viewer = await Viewer.open(ops, run);
		await viewer.socket.closes(1000);
		expect(viewer.log()).toBe(whole);
		const late = await Viewer.open(ops, run, 7);
		await late.socket.closes(1000);
		expect(late.log(7)).toBe(whole.slice(7));
		await becomes(run, { status: 'success', log_bytes: whole.length, log_lines: 12 });
	});
});
