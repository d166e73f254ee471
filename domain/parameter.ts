import { z } from 'zod';
import { EnvName, isOwnVariable, Name, Text } from './common.ts';
import {
	type ParameterInput,
	Parameters,
	PARAMETERS_MAX,
	type ParameterValues,
	type SecretParameters,
	Value,
	VALUE_MAX,
} from './parameter-values.ts';
import { SecretRef } from './secret-ref.ts';

/** Hosts one run may be aimed at. */
export const TARGET_HOSTS_MAX = 500;

const common = {
	name: EnvName,
	label: Name(120).optional(),
	help: Text(500).optional(),
	required: z.boolean().default(false),
};
/** How a secret reaches the scripts: as a file in memory, on their standard input, or as a variable where the agent's policy allows that. */
export const SecretDelivery = z.discriminatedUnion('as', [
	z.strictObject({ as: z.literal('file') }),
	z.strictObject({ as: z.literal('stdin') }),
	z.strictObject({
		as: z.literal('env'),
		variable: EnvName.refine((name) => !isOwnVariable(name), "is the agent's own"),
	}),
]);
export type SecretDelivery = z.infer<typeof SecretDelivery>;

/** One parameter of a job: what its form shows and what a value must be. */
export const ParameterSpec = z.discriminatedUnion('type', [
	z.strictObject({
		...common,
		type: z.literal('text'),
		default: Value.optional(),
		max_length: z.int().min(1).max(VALUE_MAX).optional(),
		/** A value may begin with a dash, and so be read as an option. */
		allow_dash: z.boolean().optional(),
	}),
	z.strictObject({
		...common,
		type: z.literal('number'),
		default: z.number().optional(),
		min: z.number().optional(),
		max: z.number().optional(),
		integer: z.boolean().optional(),
	}),
	z.strictObject({
		...common,
		type: z.literal('choice'),
		options: z
			.array(Value.min(1, 'must not be empty'))
			.min(1)
			.max(100)
			.refine((all) => new Set(all).size === all.length, 'each option once'),
		default: z.string().optional(),
	}),
	z.strictObject({ ...common, type: z.literal('date'), default: z.iso.date().optional() }),
	/** Hosts of the job's targets, by name, separated by commas; left out: all of them. */
	z.strictObject({ ...common, type: z.literal('hosts') }),
	/** A reference to a secret, never the secret. */
	z.strictObject({
		...common,
		type: z.literal('secret'),
		default: SecretRef.optional(),
		/** A file where it is left out. */
		deliver: SecretDelivery.optional(),
	}),
]);
export type ParameterSpec = z.infer<typeof ParameterSpec>;
export type ParameterType = ParameterSpec['type'];

/** A job's parameters, in the order of its form. Null: any names, as text. */
export const ParametersSchema = z
	.array(ParameterSpec)
	.max(PARAMETERS_MAX)
	.refine((all) => new Set(all.map((p) => p.name)).size === all.length, 'each name once')
	.refine((all) => all.filter((p) => p.type === 'hosts').length <= 1, 'at most one parameter of type hosts')
	.superRefine((all, ctx) => {
		const wrong = (path: (string | number)[], message: string) => {
			ctx.addIssue({ code: 'custom', path, message });
		};
		const taken = new Set<string>();
		for (const [i, parameter] of all.entries()) {
			const message = defaultError(parameter);
			if (message !== null) wrong([i, 'default'], message);
			const deliver = parameter.type === 'secret' ? parameter.deliver : undefined;
			if (!deliver || deliver.as === 'file') continue;
			const [place, path] = deliver.as === 'env' ? [deliver.variable, 'variable'] : ['<', 'as'];
			if (taken.has(place)) wrong([i, 'deliver', path], 'is where another secret goes');
			taken.add(place);
		}
	});
export type ParametersSchema = z.infer<typeof ParametersSchema>;

export interface Checked {
	values: ParameterValues;
	secrets: SecretParameters;
	/** The hosts that were chosen; null: all of the targets. */
	hosts: string[] | null;
	errors: { path: string; message: string }[];
}

/** Input held against a job's schema, with defaults filled in. Pure; the form asks the same before it sends. */
export function checkParameters(schema: ParametersSchema | null, input: ParameterInput): Checked {
	const checked: Checked = { values: {}, secrets: {}, hosts: null, errors: [] };
	const wrong = (name: string, message: string) => checked.errors.push({ path: `parameters.${name}`, message });
	if (schema === null) {
		for (const [name, value] of Object.entries(input)) {
			const text = String(value);
			if (typeof value === 'number') {
				wrong(name, 'expected text');
				continue;
			}
			const issue = Parameters.safeParse({ [name]: text }).error?.issues[0];
			if (issue) wrong(name, issue.message);
			else checked.values[name] = text;
		}
		return checked;
	}
	for (const name of Object.keys(input))
		if (!schema.some((p) => p.name === name)) wrong(name, 'is no parameter of this job');
	for (const parameter of schema) {
		const { name } = parameter;
		const given = Object.hasOwn(input, name) ? input[name] : undefined;
		const raw = given ?? ('default' in parameter ? parameter.default : undefined);
		if (raw === undefined || raw === '') {
			if (parameter.required) wrong(name, 'is required');
			continue;
		}
		const text = String(raw);
		const message =
			typeof given === 'number' && parameter.type !== 'number' ? 'expected text' : valueError(parameter, text);
		if (message !== null) wrong(name, message);
		else if (parameter.type === 'secret') checked.secrets[name] = text;
		else {
			checked.values[name] = text;
			if (parameter.type === 'hosts') checked.hosts = hostsIn(text);
		}
	}
	return checked;
}

export const hostsIn = (text: string): string[] => [
	...new Set(
		text
			.split(',')
			.map((host) => host.trim())
			.filter(Boolean),
	),
];

/** What is wrong with a value; null when nothing is. */
export function valueError(p: ParameterSpec, text: string): string | null {
	if (text.includes('\0')) return 'must not hold a NUL';
	if (text.length > VALUE_MAX) return `at most ${String(VALUE_MAX)} characters`;
	switch (p.type) {
		case 'text':
			if (p.max_length !== undefined && text.length > p.max_length) return `at most ${String(p.max_length)} characters`;
			return text.startsWith('-') && !p.allow_dash ? 'must not start with a dash' : null;
		case 'number': {
			if (!/^-?(\d+(\.\d+)?|\.\d+)(e[+-]?\d{1,3})?$/i.test(text)) return 'expected a number';
			const value = Number(text);
			if (!Number.isFinite(value)) return 'expected a number';
			if (p.integer && !Number.isInteger(value)) return 'expected a whole number';
			if (p.min !== undefined && value < p.min) return `not below ${String(p.min)}`;
			return p.max !== undefined && value > p.max ? `not above ${String(p.max)}` : null;
		}
		case 'choice':
			return p.options.includes(text) ? null : `expected one of ${p.options.slice(0, 10).join(', ')}`.slice(0, 500);
		case 'date':
			return z.iso.date().safeParse(text).success ? null : 'expected a date as 2030-01-31';
		case 'hosts': {
			const hosts = hostsIn(text);
			if (hosts.length === 0 || hosts.length > TARGET_HOSTS_MAX)
				return `expected 1 to ${String(TARGET_HOSTS_MAX)} hosts`;
			return hosts.every((h) => /^[A-Za-z0-9_.:[\]-]{1,253}$/.test(h) && !h.startsWith('-'))
				? null
				: 'expected names of hosts, separated by commas';
		}
		case 'secret':
			return SecretRef.safeParse(text).error?.issues[0]?.message ?? null;
	}
}

function defaultError(p: ParameterSpec): string | null {
	if (p.type === 'number' && p.min !== undefined && p.max !== undefined && p.min > p.max) return 'min is above max';
	return 'default' in p && p.default !== undefined ? valueError(p, String(p.default)) : null;
}
