import { eq } from 'drizzle-orm';
import { terraform_plans } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Nothing refers to a plan: it goes alone. */
export async function deletePlan(ctx: Ctx, id: number, version: number): Promise<void> {
	const { actor, project, rows } = await enter(ctx, 'terraform_plan.delete', ofRow('terraform plan', id), [
		ctx.db.select().from(terraform_plans).where(eq(terraform_plans.id, id)),
	]);
	const before = one(rows[0], 'terraform plan');
	await assertFresh(ctx, 'TerraformPlan', before, version);
	assertWritable(project);

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(terraform_plans, before)],
		statements: [ctx.db.delete(terraform_plans).where(eq(terraform_plans.id, id))],
		audit: [
			{
				action: 'terraform_plan.delete',
				object_type: 'TerraformPlan',
				object_id: id,
				project_id,
				metadata: { source_location: before.source_location, sha256: before.sha256 },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'terraform_plan', id, row: null }]));
}
