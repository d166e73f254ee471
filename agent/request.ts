import { checkParameters } from '#domain/parameter.ts';
import { ansibleRefusal } from '#protocol/ansible-refusal.ts';
import type { RunSpec } from '#protocol/run-spec.ts';

/** What is wrong with a request by itself, whatever the policy says; null: nothing. `asked`: as it came. */
export const wrongIn = (asked: unknown, spec: RunSpec): string | null =>
	holdsOdd(asked)
		? 'The request holds a NUL character, or a key __proto__.'
		: (wrongValue(spec) ?? wrongHosts(spec) ?? uncalledFor(spec) ?? wrongForAnsible(spec));

/** No program can be given a NUL: whatever held it would be cut short. A key __proto__ is passed over by what reads it. */
const holdsOdd = (value: unknown): boolean =>
	typeof value === 'string'
		? value.includes('\0')
		: typeof value === 'object' &&
			value !== null &&
			Object.entries(value).some(([k, v]) => k === '__proto__' || k.includes('\0') || holdsOdd(v));

const held = ({ parameters, secret_parameters, parameters_schema }: RunSpec) =>
	checkParameters(parameters_schema ?? null, { ...parameters, ...secret_parameters });

/** Values are held against the job's schema here too: what no schema declares must not be read as an option, or choose a secret. */
function wrongValue(spec: RunSpec): string | null {
	const { parameters, secret_parameters = {}, parameters_schema } = spec;
	const { errors, secrets } = held(spec);
	const [wrong] = errors;
	if (wrong) return `${wrong.path} ${wrong.message}.`;
	const given = { ...parameters, ...secret_parameters };
	const missing = parameters_schema?.find(({ name, required }) => required && !Object.hasOwn(given, name));
	if (missing) return `parameters.${missing.name} is required.`;
	const open = Object.keys(secret_parameters).find((name) => !Object.hasOwn(secrets, name));
	return open === undefined ? null : `secret_parameters.${open} is no secret parameter of the job.`;
}

function wrongForAnsible(spec: RunSpec): string | null {
	const refusal = ansibleRefusal(spec);
	return refusal && `${refusal.path} ${refusal.message}.`;
}

/** Hosts are chosen by a parameter of the job, or not at all. */
function wrongHosts(spec: RunSpec): string | null {
	const aimed = spec.execution.backend === 'ssh' || spec.steps.some(({ tool }) => tool === 'ansible');
	const chosen = aimed ? held(spec).hosts : null;
	return JSON.stringify(spec.hosts ?? null) === JSON.stringify(chosen)
		? null
		: 'hosts are not those that its parameters name.';
}

/** What only some tools have a meaning for is not passed over by the others. */
function uncalledFor({ steps, check, apply_plan }: RunSpec): string | null {
	const other = check && steps.find(({ tool }) => tool !== 'ansible');
	if (other) return `check: ${other.name} is no playbook, and would do more than say what would change.`;
	return apply_plan !== undefined && steps.some(({ tool }) => tool !== 'terraform')
		? 'apply_plan: only terraform applies a plan.'
		: null;
}
