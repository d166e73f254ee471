import { z } from 'zod';
import { utf8Length } from '../bytes.ts';
import {
	PLAN_RESOURCES_MAX,
	PlanAction,
	type PlanAttribute,
	type PlanCounts,
	type PlanDiff,
	type PlanResource,
} from '../terraform.ts';
import { differences, Secrets } from './attributes.ts';

/** Why a document is no plan. */
export class NotAPlan extends Error {}

/** What the parts that are shown may come to, as JSON, in bytes. */
const SHOWN_MAX = 1_048_576;
const DIFF_MAX = 4 * SHOWN_MAX;

const Actions = z
	.array(z.enum(['no-op', 'create', 'read', 'update', 'delete', 'forget']))
	.min(1)
	.max(2);
const Change = z.object({
	actions: Actions,
	before: z.unknown().optional(),
	after: z.unknown().optional(),
	after_unknown: z.unknown().optional(),
	before_sensitive: z.unknown().optional(),
	after_sensitive: z.unknown().optional(),
	replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).optional(),
});
const ResourceChange = z.object({
	address: z.string().min(1).max(1_000),
	mode: z.string().optional(),
	type: z.string().max(200),
	provider_name: z.string().max(400).default(''),
	action_reason: z.string().max(200).optional(),
	change: Change,
});

const Variables = z.record(z.string(), z.object({ value: z.unknown() }));
const Declared = z.record(z.string(), z.object({ sensitive: z.boolean().optional() }));

/** What is read of `terraform show -json`. Nothing else in it (the state, the configuration) is kept; variables only tell what is secret. */
const Document = z.object({
	format_version: z.string().regex(/^[01]\.\d+$/),
	terraform_version: z.string().max(40).optional(),
	resource_changes: z.array(ResourceChange).max(PLAN_RESOURCES_MAX).default([]),
	output_changes: z.record(z.string().max(200), Change).default({}),
	variables: Variables.default({}),
	configuration: z
		.object({ root_module: z.object({ variables: Declared.default({}) }).default({ variables: {} }) })
		.optional(),
});

export interface ParsedPlan {
	terraform_version: string | null;
	counts: PlanCounts;
	resource_changes: PlanResource[];
	diff: PlanDiff;
}

/** Reads the JSON of a plan. No sensitive value leaves this function. Throws `NotAPlan`. */
export function parsePlan(text: string): ParsedPlan {
	const document = Document.safeParse(json(text));
	if (!document.success) {
		const [issue] = document.error.issues;
		throw new NotAPlan(
			`is not what terraform show -json prints: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
		);
	}
	const { terraform_version = null, resource_changes, output_changes } = document.data;
	const isSecret = secretsOf(document.data).finder();
	const counts: PlanCounts = { create: 0, update: 0, replace: 0, delete: 0, read: 0, 'no-op': 0 };
	const resources: PlanResource[] = [];
	const diff: PlanDiff = { resource_changes: [], output_changes: [] };
	for (const { address, type, provider_name, action_reason = null, change } of resource_changes) {
		const action = actionOf(change.actions);
		counts[action]++;
		if (action === 'no-op') continue;
		const resource = { address, type, provider: provider_name, action, action_reason };
		resources.push(resource);
		diff.resource_changes.push({ ...resource, attributes: attributesOf(change, isSecret) });
	}
	for (const [name, change] of Object.entries(output_changes)) {
		const action = actionOf(change.actions);
		if (action !== 'no-op') diff.output_changes.push({ name, action, attributes: attributesOf(change, isSecret) });
	}
	if (utf8Length(JSON.stringify(resources)) > SHOWN_MAX || utf8Length(JSON.stringify(diff)) > DIFF_MAX)
		throw new NotAPlan('changes more than can be shown');
	return { terraform_version, counts, resource_changes: resources, diff };
}

function json(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		throw new NotAPlan('is not JSON');
	}
}

/** Two actions are a replacement, whichever comes first. What is only forgotten is not touched. */
function actionOf(actions: z.infer<typeof Actions>): PlanAction {
	const [first, second] = actions;
	if (second !== undefined) return 'replace';
	return PlanAction.safeParse(first).data ?? 'no-op';
}

function secretsOf({ resource_changes, output_changes, variables, configuration }: z.infer<typeof Document>): Secrets {
	const secrets = new Secrets();
	for (const change of [...resource_changes.map((resource) => resource.change), ...Object.values(output_changes)]) {
		secrets.add(change.before, change.before_sensitive);
		secrets.add(change.after, change.after_sensitive);
	}
	for (const [name, { sensitive }] of Object.entries(configuration?.root_module.variables ?? {}))
		if (sensitive) secrets.add(variables[name]?.value, true);
	return secrets;
}

function attributesOf(change: z.infer<typeof Change>, isSecret: (text: string) => boolean): PlanAttribute[] {
	const replaced = (change.replace_paths ?? []).map((path) =>
		path.reduce<string>(
			(all, part) => (typeof part === 'number' ? `${all}[${String(part)}]` : all === '' ? part : `${all}.${part}`),
			'',
		),
	);
	return differences(
		{
			before: { value: change.before, sensitive: change.before_sensitive },
			after: { value: change.after, sensitive: change.after_sensitive },
			unknown: change.after_unknown,
		},
		replaced,
		isSecret,
	);
}
