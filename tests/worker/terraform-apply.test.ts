// A plan that a run made: written down once, applied once, by the agent that has it.
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PlanArtifact } from '#domain/terraform.ts';
import { artifactRecords } from '#protocol/run-record.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { takePlan } from '#worker/services/terraform_plans/take.ts';
import { type Caller, ctxFor, fresh, idOf, person, project } from './api-world.ts';
import { type AgentIdentity, becomes, enrolled, rowOf, runOf, TestAgent, type Writer } from './live-world.ts';

const HASH = 'a'.repeat(64);
const artifact: PlanArtifact = {
	plan_sha256: HASH,
	terraform_version: '1.11.4',
	counts: { create: 1, update: 0, replace: 0, delete: 2, read: 0, 'no-op': 0 },
	resource_changes: Array.from({ length: 60 }, (_, n) => ({
		address: `terraform_data.x["${String(n)}"]`,
		type: 'terraform_data',
		provider: 'terraform.io/builtin/terraform',
		action: 'delete' as const,
		action_reason: null,
	})),
	diff: { resource_changes: [], output_changes: [] },
};
const recordsOf = (what: object) => artifactRecords(new TextEncoder().encode(JSON.stringify(what)));

let admin: Caller;
let ops: Caller;
let dev: Caller;
let p: number;
let job_id: number;
let identity: AgentIdentity;

beforeEach(async () => {
	admin = await person('admin');
	[ops, dev] = [await person('ops'), await person('dev')];
	p = await project(admin, [
		[ops, 'operate'],
		[dev, 'contribute'],
	]);
	identity = await enrolled({ project_ids: JSON.stringify([p]) });
	const script = await admin.ok('POST', `/api/projects/${String(p)}/scripts`, {
		tool: 'terraform',
		name: fresh('main'),
		location_type: 'uploaded',
		content: 'resource "terraform_data" "x" {}\n',
	});
	job_id = idOf(
		await admin.ok('POST', `/api/projects/${String(p)}/jobs`, {
			title: fresh('job'),
			job_type: 'ops',
			script_ids: [idOf(script)],
		}),
	);
});

/** A run that plans, as its agent begins it. */
async function planning(): Promise<{ agent: TestAgent; writer: Writer; run: number }> {
	const { agent } = await TestAgent.online(identity, { v: 2 });
	const run = await runOf(ops, job_id);
	return { agent, writer: await agent.start(), run };
}
const plansOf = async (run_id: number) =>
	(await ops.ok('GET', `/api/projects/${String(p)}/terraform-plans?run_id=${String(run_id)}`)).items as {
		id: number;
		plan_sha256: string;
	}[];

async function planned(): Promise<{ agent: TestAgent; run: number; plan: number }> {
	const { agent, writer, run } = await planning();
	for (const record of recordsOf(artifact)) await writer.record(record);
	await writer.acked();
	await writer.finish('success');
	await writer.finished();
	await expect.poll(async () => (await plansOf(run)).length, { timeout: 5_000 }).toBe(1);
	return { agent, run, plan: (await plansOf(run))[0]?.id ?? 0 };
}
const apply = (who: Caller, plan: number) =>
	who.call('POST', `/api/terraform-plans/${String(plan)}/apply`, { body: {} });

describe('a plan that a run made', () => {
	it('is written down once, however often it is told, by its agent', async () => {
		const { run, plan } = await planned();
		const row = await ops.ok('GET', `/api/terraform-plans/${String(plan)}`);
		expect(row).toMatchObject({ run_id: run, job_id, agent_id: identity.id, plan_sha256: HASH, applied_at: null });
		expect(row).toMatchObject({ counts: { delete: 2 }, terraform_version: '1.11.4', summary: '+1 ~0 ±0 −2' });
		expect(row.resource_changes).toHaveLength(60);
		const made = { ...(await rowOf(run)), agent_id: identity.id } as unknown as Parameters<typeof takePlan>[1];
		await Promise.all(
			[1, 2, 3].map(() =>
				takePlan(ctxFor({ kind: 'actor', actor: { kind: 'system' } }), made, JSON.stringify(artifact)),
			),
		);
		expect(await plansOf(run)).toHaveLength(1);
		const audit = await env.DB.prepare(
			"select actor_kind, actor_id from audit_logs where action = 'terraform_plan.take' and object_id = ?",
		)
			.bind(plan)
			.all();
		expect(audit.results).toEqual([{ actor_kind: 'agent', actor_id: identity.id }]);
	});

	it('is none where its parts are not all there, not in order, or no plan', async () => {
		const { writer, run } = await planning();
		const parts = recordsOf(artifact);
		expect(parts.length).toBeGreaterThan(1);
		for (const record of parts.slice(1)) await writer.record(record);
		for (const record of [...parts].reverse()) await writer.record(record);
		for (const record of recordsOf({ ...artifact, plan_sha256: '../x' })) await writer.record(record);
		for (const record of artifactRecords(new Uint8Array([0xff, 0xfe]))) await writer.record(record);
		await writer.acked();
		await writer.finish('success');
		await writer.finished();
		await becomes(run, { status: 'success' });
		expect(await plansOf(run)).toEqual([]);
	});
});

describe('applying a plan', () => {
	it('is a run of its own, that only the agent that has the plan is offered; then it is applied', async () => {
		const { agent, plan } = await planned();
		// Another agent that could take any run of this project.
		const other = await TestAgent.online(await enrolled({ project_ids: JSON.stringify([p]) }), { v: 2 });
		const answer = await apply(ops, plan);
		expect(answer).toMatchObject({ status: 201, body: { plan_id: plan, job_id } });
		const writer = await agent.start(2);
		const offer = agent.all('offer').at(-1);
		expect((offer?.spec as RunSpec).apply_plan).toBe(HASH);
		expect(other.agent.all('offer')).toEqual([]);
		expect(await apply(ops, plan)).toMatchObject({ status: 409 });
		await writer.finish('success');
		await writer.finished();
		await expect
			.poll(async () => (await ops.ok('GET', `/api/terraform-plans/${String(plan)}`)).applied_at)
			.not.toBeNull();
		const again = await apply(ops, plan);
		expect(again).toMatchObject({ status: 409, body: { detail: expect.stringContaining('already') as string } });
		const run = idOf(answer.body);
		expect((await ops.call('POST', `/api/runs/${String(run)}/retry`, { body: {} })).status).toBe(409);
	});

	it('leaves a plan as it is where the run fails, so that it can be tried again', async () => {
		const { agent, plan } = await planned();
		const { body } = await apply(ops, plan);
		const writer = await agent.start(2);
		await writer.finish('failed', { reason: { code: 'plan_stale', message: 'stale' } });
		await writer.finished();
		await becomes(idOf(body), { status: 'failed' });
		expect((await apply(ops, plan)).status).toBe(201);
	});

	it('takes the right to it, a plan of a run, and its agent', async () => {
		const { plan } = await planned();
		expect(await apply(dev, plan)).toMatchObject({ status: 403 });
		const prod = await admin.ok('POST', `/api/projects/${String(p)}/environments`, { name: 'prod', type: 'prod' });
		expect(idOf(prod)).toBeGreaterThan(0);
		const uploaded = await admin.ok('POST', `/api/projects/${String(p)}/terraform-plans`, {
			source_type: 'uploaded',
			job_id,
			content: '{"format_version":"1.2"}',
		});
		expect(await apply(ops, idOf(uploaded))).toMatchObject({ status: 409 });
		await env.DB.prepare("update agents set status = 'revoked' where id = ?").bind(identity.id).run();
		expect(await apply(ops, plan)).toMatchObject({
			status: 409,
			body: { detail: expect.stringContaining('agent') as string },
		});
		expect((await apply(await person('ops'), plan)).status).toBe(404);
	});
});
