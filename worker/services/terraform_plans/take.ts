import { and, eq, sql } from 'drizzle-orm';
import type { Run } from '#domain/run.ts';
import { PLAN_RESOURCES_MAX, PlanArtifact, type PlanCounts } from '#domain/terraform.ts';
import { job_script_refs, script_refs, terraform_plans } from '../../db/client.ts';
import { commit, lastInserted, LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { storeDocument } from '../documents.ts';
import { created } from '../edit.ts';
import { planRow } from './content.ts';

/**
 * Writes down a plan that a run of terraform made. The plan itself stays with the agent, which alone can apply it. Once, however often it is repeated; what is no
 * plan, or of a run without an agent, is passed over.
 */
export async function takePlan(ctx: Ctx, run: Run, text: string): Promise<void> {
	const artifact = artifactOf(text);
	const { id: run_id, project_id, job_id, agent_id } = run;
	if (!artifact || agent_id === null) return;
	const { plan_sha256, terraform_version, counts, resource_changes, diff } = artifact;
	const [made, script] = await ctx.db.batch([
		ctx.db
			.select({ id: terraform_plans.id })
			.from(terraform_plans)
			.where(and(eq(terraform_plans.run_id, run_id), eq(terraform_plans.plan_sha256, plan_sha256))),
		ctx.db
			.select()
			.from(script_refs)
			.innerJoin(job_script_refs, eq(job_script_refs.script_id, script_refs.id))
			.where(and(eq(job_script_refs.job_id, job_id), eq(script_refs.tool, 'terraform')))
			.limit(1),
	]);
	if (made.length > 0) return;
	const from = script[0]?.script_refs;
	const bytes = new TextEncoder().encode(JSON.stringify(diff));
	const { key } = await storeDocument(ctx.store, 'plans', project_id, bytes);
	try {
		const [rows] = await commit(
			ctx,
			{ kind: 'agent', id: agent_id },
			{
				expect: [
					sql`not exists (select 1 from terraform_plans where run_id = ${run_id} and plan_sha256 = ${plan_sha256})`,
					sql`exists (select 1 from runs where id = ${run_id})`,
				],
				statements: [
					ctx.db
						.insert(terraform_plans)
						.values({
							project_id,
							job_id,
							source_type: from?.location_type ?? 'uploaded',
							source_location: (from?.location_type === 'uploaded' ? from.name : from?.location) ?? 'plan',
							repo_id: from?.repo_id ?? null,
							revision: from?.revision ?? null,
							summary: summaryOf(counts),
							raw_plan_path: key,
							terraform_version,
							counts,
							resource_changes,
							run_id,
							agent_id,
							plan_sha256,
							...created(ctx),
						})
						.returning(),
				],
				audit: [
					{
						action: 'terraform_plan.take',
						object_type: 'TerraformPlan',
						object_id: lastInserted('terraform_plans'),
						project_id,
						metadata: { run_id, job_id, plan_sha256, counts },
					},
				],
			},
		);
		const [view] = rows;
		if (view) ctx.after(ctx.live.changed([{ project_id, entity: 'terraform_plan', id: view.id, row: planRow(view) }]));
	} catch (error) {
		// It was written down meanwhile, or its run is gone.
		if (!(error instanceof LostRace)) throw error;
	}
}

function artifactOf(text: string): PlanArtifact | null {
	try {
		const artifact = PlanArtifact.parse(JSON.parse(text));
		return artifact.resource_changes.length <= PLAN_RESOURCES_MAX ? artifact : null;
	} catch {
		return null;
	}
}

const summaryOf = ({ create = 0, update = 0, replace = 0, delete: deleted = 0 }: PlanCounts): string =>
	`+${String(create)} ~${String(update)} ±${String(replace)} −${String(deleted)}`;
