import { sql } from 'drizzle-orm';
import type { TerraformPlanCreate, TerraformPlanView } from '#domain/terraform.ts';
import { terraform_plans } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertReferences, sourceColumns, stillThere, strayReference } from '../same-project.ts';
import { planRow, readContent } from './content.ts';

/** A plan of a project: what `terraform show -json` printed of it, or where it lies. */
export async function createPlan(ctx: Ctx, project_id: number, input: TerraformPlanCreate): Promise<TerraformPlanView> {
	const { job_id, summary } = input;
	const source = sourceColumns(input);
	const refs = { job_id, repo_id: source.repo_id };
	const { actor, project, rows } = await enter(ctx, 'terraform_plan.create', inProject(project_id), [
		strayReference(ctx, sql`${project_id}`, refs),
	]);
	assertWritable(project);
	assertReferences(rows[0]);
	const read = await readContent(ctx, project_id, input.content);

	const [made] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillThere(project_id, refs)],
		statements: [
			ctx.db
				.insert(terraform_plans)
				.values({ ...source, job_id, summary, ...read, project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'terraform_plan.create',
				object_type: 'TerraformPlan',
				object_id: lastInserted('terraform_plans'),
				project_id,
				metadata: { ...source, job_id, summary, sha256: read.sha256, counts: read.counts },
			},
		],
	});
	const view = one(made, 'terraform plan');
	ctx.after(ctx.live.changed([{ project_id, entity: 'terraform_plan', id: view.id, row: planRow(view) }]));
	return view;
}
