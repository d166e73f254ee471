// Terraform: a plan that stays with the agent, and exactly that plan applied. With the real program, where it is installed.
import {
	existsSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PlanArtifact } from '#domain/terraform.ts';
import { artifactText, type ArtifactPart } from '#protocol/run-record.ts';
import { AgentProcess } from '#tests/support/agent-process.ts';
import { FakeHub, type HubRun, textOf } from '#tests/support/fake-hub.ts';
import { HostileValues } from '#tests/support/hostile-values.ts';
import { CONFIG, noTerraform, STAND_IN } from '#tests/support/terraform.ts';

let dir: string;
beforeAll(() => {
	dir = mkdtempSync(path.join(os.tmpdir(), 'uhub-terraform-'));
	writeFileSync(path.join(dir, 'terraform'), STAND_IN, { mode: 0o755 });
});
afterAll(() => {
	rmSync(dir, { recursive: true, force: true });
});

for (const real of [true, false])
	describe.skipIf(real && noTerraform !== null)(
		real ? `terraform${noTerraform === null ? '' : ` (skipped: ${noTerraform})`}` : 'a stand-in of terraform',
		() => {
			let hub: FakeHub;
			let agent: AgentProcess;

			beforeAll(async () => {
				hub = await FakeHub.start();
				hub.protocol = 2;
				agent = await AgentProcess.create(hub, {
					policy:
						'version: 1\nprojects: all\nbackends: [local]\ntools: [terraform]\nscripts: { uploaded: true }\nterraform: { plan_days: 1 }\nsecret_env: [TF_VAR_*]\nsecrets: { 3: [env:TF_SECRET] }\n',
					env: {
						TF_SECRET: 'a-name-from-a-secret',
						...(real ? {} : { PATH: `${dir}:${process.env['PATH'] ?? ''}` }),
					},
				});
			});
			afterAll(async () => {
				await agent.remove();
				await hub.stop();
			});
			afterEach(() => {
				expect(hub.faults).toEqual([]);
			});

			async function ran(more: object = {}): Promise<HubRun> {
				const steps = [hub.scripts.step(CONFIG, { tool: 'terraform' })];
				const run = hub.offerRaw({ ...hub.scripts.spec(), steps, timeout_s: 120, ...more });
				await hub.ended(run);
				return run;
			}
			const planOf = (run: HubRun): PlanArtifact => {
				const parts = run.records.filter((r): r is ArtifactPart => r.type === 'artifact');
				return PlanArtifact.parse(JSON.parse(artifactText(parts) ?? ''));
			};
			const plans = () => path.join(agent.home, 'plans');

			it('plans; the plan stays here, and what is told of it holds nothing sensitive', async () => {
				const run = await ran({ parameters: { who: 'a-sensitive-name' } });
				expect(run.finish?.reason, textOf(run)).toBeNull();
				const plan = planOf(run);
				expect(plan.counts).toMatchObject({ create: 1, delete: 0 });
				expect(plan.resource_changes).toMatchObject([{ address: 'terraform_data.x', action: 'create' }]);
				expect(JSON.stringify(run.records)).not.toContain('a-sensitive-name');
				expect(JSON.stringify(plan)).not.toContain('a-sensitive-name');
				const file = path.join(plans(), plan.plan_sha256);
				expect(statSync(file).mode & 0o777).toBe(0o600);
				await expect.poll(() => readdirSync(path.join(agent.home, 'work'))).toEqual([]);
				expect(existsSync(path.join(agent.home, 'state'))).toBe(true);
			});

			it('46: is given a secret as a variable of its own where the job asks for that, and tells nobody', async () => {
				const run = await ran({
					secret_parameters: { name: 'env:TF_SECRET' },
					parameters_schema: [
						{ name: 'name', type: 'secret', required: true, deliver: { as: 'env', variable: 'TF_VAR_who' } },
					],
				});
				expect(run.finish?.reason, textOf(run)).toBeNull();
				const { plan_sha256 } = planOf(run);
				const applied = await ran({ apply_plan: plan_sha256, job_id: 7 });
				expect(applied.finish?.reason, textOf(applied)).toBeNull();
				for (const said of [textOf(run), JSON.stringify(run.records), JSON.stringify(hub.messages)])
					expect(said).not.toContain('a-name-from-a-secret');
				// Terraform itself keeps values in its state, which stays here.
				if (real)
					expect(
						readdirSync(path.join(agent.home, 'state'), { recursive: true, encoding: 'utf8' })
							.filter((file) => file.endsWith('.tfstate'))
							.some((file) =>
								readFileSync(path.join(agent.home, 'state', file), 'utf8').includes('a-name-from-a-secret'),
							),
					).toBe(true);
			});

			it('applies exactly that plan; the same again, or another that was made before, is stale', async () => {
				const one = planOf(await ran());
				const two = planOf(await ran({ parameters: { who: 'somebody-else' } }));
				const applied = await ran({ apply_plan: one.plan_sha256 });
				expect(applied.finish?.reason, textOf(applied)).toBeNull();
				expect(textOf(applied)).toContain('Apply complete!');
				expect(applied.records.some((r) => r.type === 'artifact')).toBe(false);
				for (const { plan_sha256 } of [one, two]) {
					const again = await ran({ apply_plan: plan_sha256 });
					expect(again.finish?.reason).toMatchObject({ code: 'plan_stale' });
					expect(textOf(again)).not.toContain('Apply complete!');
				}
				const next = planOf(await ran({ job_id: 8 }));
				expect(next.counts['create']).toBe(1);
			});

			it('39: applies no plan of another project, job or environment, none it has not, and none that was altered', async () => {
				const { plan_sha256 } = planOf(await ran());
				for (const over of [
					{ job_id: 8 },
					{ project_id: 4 },
					{ environment: 'prod' },
					{ apply_plan: 'a'.repeat(64) },
				]) {
					const run = await ran({ apply_plan: plan_sha256, ...over });
					expect(run.finish).toMatchObject({ started_at: null, reason: { code: 'plan_missing' } });
				}
				const file = path.join(plans(), plan_sha256);
				const bytes = readFileSync(file);
				writeFileSync(file, `${bytes.toString('latin1')}x`, 'latin1');
				expect((await ran({ apply_plan: plan_sha256 })).finish?.reason).toMatchObject({ code: 'plan_missing' });
				writeFileSync(file, bytes);
				const old = new Date(Date.now() - 2 * 86_400_000);
				utimesSync(file, old, old);
				expect((await ran({ apply_plan: plan_sha256 })).finish?.reason).toMatchObject({ code: 'plan_missing' });
				expect(existsSync(file)).toBe(false);
			});

			it('40: is given parameters as they are, and works out nothing of them', async () => {
				if (!real) return;
				const values = new HostileValues();
				const names = values.all.map((_, i) => `P${String(i)}`);
				// Declared as text, or not at all.
				const variables = names
					.map((name, i) => `variable "${name}" {${i % 2 === 0 ? ' type = string ' : ''}}\n`)
					.join('');
				const input = `base64encode(jsonencode([${names.map((name) => `var.${name}`).join(', ')}]))`;
				const told = `${variables}resource "terraform_data" "x" { input = ${input} }\n`;
				const run = await ran({
					...values.spec,
					arguments: [],
					steps: [hub.scripts.step(told, { tool: 'terraform' })],
				});
				expect(run.finish?.reason, textOf(run)).toBeNull();
				const [change] = planOf(run).diff.resource_changes;
				const after = change?.attributes.find(({ path }) => path === 'input')?.after ?? '';
				expect(JSON.parse(Buffer.from(after, 'base64').toString())).toEqual(values.all);
				expect(values.made).toBe(false);
				// A list is written as one, and holds no calls.
				const list = hub.scripts.step('variable "L" { type = list(string) }\n', { tool: 'terraform' });
				const called = await ran({ parameters: { L: '["${file("/etc/hostname")}"]' }, steps: [list] });
				expect(called.finish).toMatchObject({ outcome: 'failed', reason: { code: 'exit_code' } });
				expect(textOf(called)).toContain('Function calls not allowed');
			});

			it('fails with what is wrong in it, and keeps no plan of it', async () => {
				if (!real) return;
				const before = readdirSync(plans()).length;
				const steps = [hub.scripts.step('resource "nonsense" {', { tool: 'terraform' })];
				const run = await ran({ steps });
				expect(run.finish).toMatchObject({ outcome: 'failed', reason: { code: 'exit_code' } });
				expect(readdirSync(plans())).toHaveLength(before);
			});
		},
	);
