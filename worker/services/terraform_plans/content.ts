import { invalid } from '#domain/errors.ts';
import type { PlanDiff, TerraformPlan, TerraformPlanView } from '#domain/terraform.ts';
import { sha256 } from '../bytes.ts';
import type { Ctx } from '../context.ts';
import { storeDocument } from '../documents.ts';
import { omit } from '../omit.ts';
import { NotAPlan, type ParsedPlan, parsePlan } from '#domain/terraform/parse.ts';

const nothingKnown = {
	raw_plan_path: null,
	sha256: null,
	size: null,
	terraform_version: null,
	counts: null,
	resource_changes: [],
};

/**
 * Keeps what a plan changes, and gives the columns that follow from it. The document itself is not kept: its variables
 * and its state hold secrets that nothing in it marks. Throws `invalid` where it is no plan.
 */
export async function readContent(ctx: Ctx, project_id: number, text: string | undefined) {
	if (text === undefined) return nothingKnown;
	const { diff, ...columns } = parsedOf(text);
	const bytes = new TextEncoder().encode(text);
	const { key } = await storeDocument(ctx.store, 'plans', project_id, new TextEncoder().encode(JSON.stringify(diff)));
	return { ...columns, raw_plan_path: key, sha256: await sha256(bytes), size: bytes.length };
}

function parsedOf(text: string): ParsedPlan {
	try {
		return parsePlan(text);
	} catch (error) {
		if (!(error instanceof NotAPlan)) throw error;
		throw invalid('content', error.message);
	}
}

export const emptyDiff: PlanDiff = { resource_changes: [], output_changes: [] };

/** As it stands in lists, and as open pages are told. */
export const planRow = (view: TerraformPlanView): TerraformPlan => omit(view, 'resource_changes');
