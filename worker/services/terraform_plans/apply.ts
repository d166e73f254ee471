import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import type { Run } from '#domain/run.ts';
import { agents, runs, terraform_plans } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { ofRow } from '../gate.ts';
import { start } from '../runs/start.ts';

/** Applies exactly this plan: a run of its own, for the very agent that has it, in the environment it was made for. */
export async function applyPlan(ctx: Ctx, id: number, reason: string | undefined): Promise<Run> {
	const [found] = await ctx.db
		.select({ plan: terraform_plans, made_by: runs, agent: agents })
		.from(terraform_plans)
		.leftJoin(runs, eq(runs.id, terraform_plans.run_id))
		.leftJoin(agents, eq(agents.id, terraform_plans.agent_id))
		.where(eq(terraform_plans.id, id));
	const { plan, made_by, agent } = found ?? {};
	const input = {
		parameters: { ...made_by?.parameters, ...made_by?.secret_parameters },
		...(made_by?.environment_id && { environment_id: made_by.environment_id }),
		...(reason !== undefined && { reason }),
	};
	return start(
		ctx,
		sql`(select job_id from terraform_plans where id = ${id})`,
		ofRow('terraform plan', id),
		input,
		null,
		{
			id,
			/** Asked once it is known that the plan may be seen. */
			check() {
				if (!plan?.plan_sha256 || !made_by || !agent)
					throw conflict('The plan was not made by a run here: only such a one can be applied.');
				if (plan.applied_at !== null) throw conflict('The plan was applied already.');
				if (agent.status === 'revoked') throw conflict('The agent that has the plan is gone: plan again.');
				if (plan.job_id === null) throw conflict('The plan belongs to no job any more: plan again.');
			},
			expect: [
				sql`exists (select 1 from terraform_plans where id = ${id} and applied_at is null)`,
				sql`not exists (select 1 from runs where plan_id = ${id} and status in ('queued', 'running'))`,
			],
		},
	);
}
