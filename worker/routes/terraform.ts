import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import {
	PLAN_MAX,
	PlanApply,
	PlanDiff,
	TerraformPlan,
	TerraformPlanCreate,
	TerraformPlanPatch,
	TerraformPlanView,
} from '#domain/terraform.ts';
import { Run } from '#domain/run.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { applyPlan } from '#worker/services/terraform_plans/apply.ts';
import { createPlan } from '#worker/services/terraform_plans/create.ts';
import { deletePlan } from '#worker/services/terraform_plans/delete.ts';
import { listPlans, PlanList } from '#worker/services/terraform_plans/list.ts';
import { readPlan, readPlanDiff } from '#worker/services/terraform_plans/read.ts';
import { updatePlan } from '#worker/services/terraform_plans/update.ts';

/** A plan is JSON: sent as text in JSON, every quotation mark in it takes two bytes. */
const withContent = { max: 3 * PLAN_MAX };

export const terraform = new Hono<AppEnv>()
	.get(
		'/projects/:id/terraform-plans',
		describe('terraform_plan.list', 'A project’s Terraform plans', { schema: pageOf(TerraformPlan) }),
		idIn('project'),
		query(PlanList),
		async (c) => c.json(await listPlans(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/terraform-plans',
		describe('terraform_plan.create', 'Add a plan: what terraform show -json prints of it, or where it lies', {
			status: 201,
			schema: TerraformPlanView,
		}),
		idIn('project'),
		json(TerraformPlanCreate, withContent),
		(c) => posted(c, 201, (ctx) => createPlan(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get(
		'/terraform-plans/:id',
		describe('terraform_plan.read', 'One Terraform plan', { schema: TerraformPlanView }),
		idIn('terraform plan'),
		async (c) => row(c, await readPlan(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/terraform-plans/:id',
		describe('terraform_plan.update', 'Change a Terraform plan', { schema: TerraformPlanView }),
		idIn('terraform plan'),
		json(TerraformPlanPatch),
		async (c) =>
			row(c, await settled(() => updatePlan(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/terraform-plans/:id',
		describe('terraform_plan.delete', 'Remove a plan', { status: 204 }),
		idIn('terraform plan'),
		async (c) => {
			await settled(() => deletePlan(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.post(
		'/terraform-plans/:id/apply',
		describe('terraform_plan.apply', 'Apply exactly this plan, on the agent that made it: a run of its own', {
			status: 201,
			schema: Run,
		}),
		idIn('terraform plan'),
		json(PlanApply),
		(c) => posted(c, 201, (ctx) => applyPlan(ctx, c.req.valid('param').id, c.req.valid('json').reason)),
	)
	.get(
		'/terraform-plans/:id/diff',
		describe('terraform_plan.read_diff', 'What a plan changes, attribute by attribute, without sensitive values', {
			schema: PlanDiff,
		}),
		idIn('terraform plan'),
		async (c) => c.json(await readPlanDiff(c.var.ctx, c.req.valid('param').id)),
	);
