import { z } from 'zod';
import { editable, Id, Sha256, Text, Time } from './common.ts';
import { content, source, sourceCreate } from './source.ts';

/** What a plan does to a resource. `replace` is a delete and a create, in either order. */
export const PlanAction = z.enum(['create', 'update', 'replace', 'delete', 'read', 'no-op']);
export type PlanAction = z.infer<typeof PlanAction>;

export const PlanCounts = z.record(PlanAction, z.int().min(0));
export type PlanCounts = z.infer<typeof PlanCounts>;

export const PlanResource = z.object({
	address: z.string(),
	type: z.string(),
	provider: z.string(),
	action: PlanAction,
	/** Why Terraform does it, in its own word: `replace_because_tainted`… */
	action_reason: z.string().nullable(),
});
export type PlanResource = z.infer<typeof PlanResource>;

/** A terraform plan, as it stands in lists. */
export const TerraformPlan = z.object({
	id: Id,
	project_id: Id,
	job_id: Id.nullable(),
	...source,
	summary: z.string().nullable(),
	/** The key of the document as it is kept, chosen by the hub; null where only the place is known. */
	raw_plan_path: z.string().nullable(),
	/** Of the document that was sent. */
	sha256: Sha256.nullable(),
	size: z.int().min(0).nullable(),
	terraform_version: z.string().nullable(),
	counts: PlanCounts.nullable(),
	/** Made by this run, on this agent; null: it was sent here. Only such a one can be applied. */
	run_id: Id.nullable(),
	agent_id: Id.nullable(),
	plan_sha256: Sha256.nullable(),
	applied_at: Time.nullable(),
	...editable,
});
export type TerraformPlan = z.infer<typeof TerraformPlan>;

/** One plan, with the resources it touches; what it does to them is its diff. */
export const TerraformPlanView = TerraformPlan.extend({ resource_changes: z.array(PlanResource) });
export type TerraformPlanView = z.infer<typeof TerraformPlanView>;

/** An attribute before and after, as text; null where there is none. A sensitive one has neither. */
export const PlanAttribute = z.object({
	path: z.string(),
	before: z.string().nullable(),
	after: z.string().nullable(),
	sensitive: z.boolean(),
	/** Known only once it has been applied. */
	unknown: z.boolean(),
	forces_replacement: z.boolean(),
});
export type PlanAttribute = z.infer<typeof PlanAttribute>;

export const PlanDiff = z.object({
	resource_changes: z.array(PlanResource.extend({ attributes: z.array(PlanAttribute) })),
	output_changes: z.array(z.object({ name: z.string(), action: PlanAction, attributes: z.array(PlanAttribute) })),
});
export type PlanDiff = z.infer<typeof PlanDiff>;

/** What a run of terraform tells of the plan it made. */
export const PlanArtifact = z.object({
	/** Of the saved plan, which stays with the agent. */
	plan_sha256: Sha256,
	terraform_version: z.string().max(40).nullable(),
	counts: PlanCounts,
	resource_changes: z.array(PlanResource),
	/** Empty where it is too large to be told. */
	diff: PlanDiff,
});
export type PlanArtifact = z.infer<typeof PlanArtifact>;

/** The document that `terraform show -json` prints, in bytes. */
export const PLAN_MAX = 4 * 1_048_576;
export const PLAN_RESOURCES_MAX = 5_000;

const fields = { job_id: Id.nullable(), summary: Text(2000).nullable() };

export const TerraformPlanCreate = sourceCreate(
	{ job_id: fields.job_id.default(null), summary: fields.summary.default(null) },
	content(PLAN_MAX),
	'plan.json',
);
export type TerraformPlanCreate = z.infer<typeof TerraformPlanCreate>;

/** A plan is what it was when it was made; what is said of it may change. */
export const TerraformPlanPatch = z.strictObject(fields).partial();
export type TerraformPlanPatch = z.infer<typeof TerraformPlanPatch>;

export const PlanApply = z.strictObject({ reason: Text(500).optional() });
