import { filledArguments } from './arguments.ts';
import type { RunSpec } from './run-spec.ts';

/** Variables that say where Ansible goes, as whom and by which programs. */
const STEERS = /^(ansible_|inventory_hostname)/;
/** The option for variables, written out, shortened, or as the last of several letters: its value is the next argument, or follows at once. */
const EXTRA_VARS = /^(--e[a-z-]*|-[CDKbhkv]*e)$/;
const EXTRA_VARS_WITH = /^(--e[a-z-]*=|-[CDKbhkv]*e.)/s;
const TEMPLATE = /\{[{%#]/;

export interface AnsibleRefusal {
	/** The parameter, as `parameters.NAME`. */
	path: string;
	message: string;
}

/**
 * A parameter that Ansible would take for more than text, and so run what whoever gave it likes; null: none. A job that declares a
 * parameter by a name that steers Ansible means it. Pure: the hub says so where a run is asked for, and the agent believes no hub.
 */
export function ansibleRefusal(spec: RunSpec): AnsibleRefusal | null {
	if (!spec.steps.some(({ tool }) => tool === 'ansible')) return null;
	const { parameters, parameters_schema: schema } = spec;
	const steers = schema ? undefined : Object.keys(parameters).find((name) => STEERS.test(name));
	if (steers !== undefined)
		return {
			path: `parameters.${steers}`,
			message: 'says how Ansible reaches its hosts: the job has to declare such a parameter',
		};
	const isText = (name: string) => !schema || schema.some((p) => p.name === name && p.type === 'text');
	const all = filledArguments(spec);
	for (const [i, { text, names }] of all.entries()) {
		const name = names.find(isText);
		if (name === undefined) continue;
		const path = `parameters.${name}`;
		if (EXTRA_VARS_WITH.test(text) || EXTRA_VARS.test(all[i - 1]?.text ?? ''))
			return {
				path,
				message: `is a text, which the job's arguments must not put into --extra-vars: a playbook has it as {{ ${name} }} already`,
			};
		if (TEMPLATE.test(text)) return { path, message: "would be read as a template by Ansible, in the job's arguments" };
	}
	return null;
}
