import { and, eq, sql } from 'drizzle-orm';
import type { TerraformPlanPatch, TerraformPlanView } from '#domain/terraform.ts';
import { terraform_plans } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import {
	assertFresh,
	assertWritable,
	changesOf,
	defined,
	edited,
	editEntry,
	isEmpty,
	one,
	unchanged,
} from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertReferences, stillThere, strayReference } from '../same-project.ts';
import { planRow } from './content.ts';

export async function updatePlan(
	ctx: Ctx,
	id: number,
	version: number,
	patch: TerraformPlanPatch,
): Promise<TerraformPlanView> {
	const refs = { job_id: patch.job_id };
	const { actor, project, rows } = await enter(ctx, 'terraform_plan.update', ofRow('terraform plan', id), [
		ctx.db.select().from(terraform_plans).where(eq(terraform_plans.id, id)),
		strayReference(ctx, sql`(select project_id from terraform_plans where id = ${id})`, refs),
	]);
	const before = one(rows[0], 'terraform plan');
	await assertFresh(ctx, 'TerraformPlan', planRow(before), version);
	assertWritable(project);
	assertReferences(rows[1]);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const { project_id } = before;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(terraform_plans, before), ...stillThere(project_id, refs)],
		statements: [
			ctx.db
				.update(terraform_plans)
				.set({ ...defined(patch), ...edited(ctx, before) })
				.where(and(eq(terraform_plans.id, id), eq(terraform_plans.version, before.version)))
				.returning(),
		],
		audit: [editEntry('terraform_plan.update', 'TerraformPlan', before, project_id, changes)],
	});
	const view = one(after, 'terraform plan');
	ctx.after(ctx.live.changed([{ project_id, entity: 'terraform_plan', id, row: planRow(view) }]));
	return view;
}
