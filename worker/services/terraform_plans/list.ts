import { and, eq, getTableColumns, or } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import type { TerraformPlan } from '#domain/terraform.ts';
import { SourceType } from '#domain/source.ts';
import { terraform_plans } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { omit } from '../omit.ts';

export const PlanList = z.strictObject({
	...ListQuery,
	sort: sortBy(['created_at', 'updated_at', 'source_location'], '-created_at'),
	source_type: SourceType.optional(),
	repo_id: z.coerce.number().pipe(Id).optional(),
	job_id: z.coerce.number().pipe(Id).optional(),
	run_id: z.coerce.number().pipe(Id).optional(),
});

const columns = omit(getTableColumns(terraform_plans), 'resource_changes');

/** `q` looks in what is said of it, and where it lies. */
export async function listPlans(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof PlanList>,
): Promise<Page<TerraformPlan>> {
	const { created_at, updated_at, source_location } = terraform_plans;
	const { limit, orderBy, page, where } = keyset(
		query,
		{ created_at, updated_at, source_location },
		terraform_plans.id,
	);
	const { rows } = await enter(ctx, 'terraform_plan.list', inProject(project_id), [
		ctx.db
			.select(columns)
			.from(terraform_plans)
			.where(
				and(
					eq(terraform_plans.project_id, project_id),
					where,
					query.source_type && eq(terraform_plans.source_type, query.source_type),
					query.job_id ? eq(terraform_plans.job_id, query.job_id) : undefined,
					query.run_id ? eq(terraform_plans.run_id, query.run_id) : undefined,
					query.repo_id ? eq(terraform_plans.repo_id, query.repo_id) : undefined,
					or(holds(terraform_plans.summary, query.q), holds(terraform_plans.source_location, query.q)),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
