import type { RunSpec } from '#protocol/run-spec.ts';
import { filledArguments } from '../../arguments.ts';

/** Variables that say where Ansible goes, as whom and by which programs. */
const STEERS = /^(ansible_|inventory_hostname)/;
/** The option for variables, written out, shortened, or as the last of several letters: its value is the next argument, or follows at once. */
const EXTRA_VARS = /^(--e[a-z-]*|-[CDKbhkv]*e)$/;
const EXTRA_VARS_WITH = /^(--e[a-z-]*=|-[CDKbhkv]*e.)/s;
const TEMPLATE = /\{[{%#]/;

/**
 * Parameters that Ansible would take for more than text, and so run what whoever gave them likes; null: none. A job that declares a
 * parameter by such a name means it.
 */
export function ansibleRefusal(spec: RunSpec): string | null {
	if (!spec.steps.some(({ tool }) => tool === 'ansible')) return null;
	const { parameters, parameters_schema: schema } = spec;
	const steers = schema ? undefined : Object.keys(parameters).find((name) => STEERS.test(name));
	if (steers !== undefined)
		return `parameters.${steers} would say how Ansible reaches its hosts: the job has to declare it.`;
	const isText = (name: string) => !schema || schema.some((p) => p.name === name && p.type === 'text');
	const all = filledArguments(spec);
	for (const [i, { text, names }] of all.entries()) {
		const name = names.find(isText);
		if (name === undefined) continue;
		if (EXTRA_VARS_WITH.test(text) || EXTRA_VARS.test(all[i - 1]?.text ?? ''))
			return `arguments: the text of ${name} must not be part of --extra-vars; a playbook has it as {{ ${name} }} already.`;
		if (TEMPLATE.test(text))
			return `parameters.${name} would be read as a template by Ansible, in the job's arguments.`;
	}
	return null;
}
