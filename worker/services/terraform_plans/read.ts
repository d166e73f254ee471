import { eq } from 'drizzle-orm';
import { PlanDiff, type TerraformPlanView } from '#domain/terraform.ts';
import { terraform_plans } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { emptyDiff } from './content.ts';

export async function readPlan(ctx: Ctx, id: number): Promise<TerraformPlanView> {
	const { rows } = await enter(ctx, 'terraform_plan.read', ofRow('terraform plan', id), [
		ctx.db.select().from(terraform_plans).where(eq(terraform_plans.id, id)),
	]);
	return one(rows[0], 'terraform plan');
}

/** What it changes, attribute by attribute; nothing where only its place is known. */
export async function readPlanDiff(ctx: Ctx, id: number): Promise<PlanDiff> {
	const { raw_plan_path } = await readPlan(ctx, id);
	const bytes = raw_plan_path === null ? null : await ctx.store.get(raw_plan_path);
	return bytes === null ? emptyDiff : PlanDiff.parse(JSON.parse(new TextDecoder().decode(bytes)));
}
