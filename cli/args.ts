import { parseArgs } from 'node:util';
import { z } from 'zod';
import { usage } from './failure.ts';

/** `--name`: there or not. */
export interface Flag {
	kind: 'flag';
	doc: string;
	short?: string;
}
/** `--name VALUE`, once or again and again. */
export interface Value<S extends z.ZodType = z.ZodType, K extends 'one' | 'many' = 'one' | 'many'> {
	kind: K;
	/** What stands for the value in the help. */
	value: string;
	doc: string;
	schema: S;
}
export type Option = Flag | Value;
export type Options = Readonly<Record<string, Option>>;

export const flag = (doc: string, short?: string): Flag => ({
	kind: 'flag',
	doc,
	...(short !== undefined && { short }),
});
export const one = <S extends z.ZodType>(value: string, schema: S, doc: string): Value<S, 'one'> => ({
	kind: 'one',
	value,
	doc,
	schema,
});
export const many = <S extends z.ZodType>(value: string, schema: S, doc: string): Value<S, 'many'> => ({
	kind: 'many',
	value,
	doc,
	schema,
});
export const text = (value: string, doc: string) => one(value, z.string().min(1, 'must not be empty'), doc);
export const whole = (value: string, min: number, max: number, doc: string) =>
	one(
		value,
		z
			.string()
			.regex(/^\d{1,9}$/, 'expected a whole number')
			.transform(Number)
			.pipe(
				z
					.int()
					.min(min, `must be at least ${String(min)}`)
					.max(max, `must be at most ${String(max)}`),
			),
		doc,
	);

/** The words an option can have, where they are few. */
export const choicesOf = (option: Option | undefined): readonly string[] =>
	option && option.kind !== 'flag' && option.schema instanceof z.ZodEnum ? option.schema.options.map(String) : [];

export type Values<O extends Options> = {
	[K in keyof O]: O[K] extends Flag
		? boolean
		: O[K] extends Value<infer S, infer N>
			? N extends 'many'
				? z.output<S>[]
				: z.output<S> | undefined
			: never;
};

/** `JOB` must be there, `[HUB]` may be. */
export type Operands<N extends readonly string[]> = {
	[K in N[number] as K extends `[${infer Name}]` ? Name : K]: K extends `[${string}]` ? string | undefined : string;
};

export interface Parsed<N extends readonly string[], O extends Options> {
	of: Operands<N>;
	values: Values<O>;
	json: boolean;
}

/** Taken by every command. */
export const common = {
	json: flag("print the API's own JSON"),
	help: flag('say what this command does', 'h'),
};

/** What was typed after a command's words. Throws `Failure` naming the option or operand that is wrong. */
export function parse<const N extends readonly string[], O extends Options>(
	names: N,
	options: O,
	args: readonly string[],
): Parsed<N, O> {
	const { values, positionals } = split({ ...options, ...common }, args);
	const read = Object.entries(options).map(([name, option]): [string, unknown] => {
		const given = values[name];
		if (option.kind === 'flag') return [name, given === true];
		const texts = (Array.isArray(given) ? given : [given]).filter((one) => typeof one === 'string');
		const all = texts.map((text) => checked(`--${name}`, option.schema, text));
		return [name, option.kind === 'many' ? all : all[0]];
	});
	if (positionals.length > names.length) throw usage(`There is one word too many: ${positionals[names.length] ?? ''}`);
	const of = names.map((name, at): [string, string | undefined] => {
		const word = positionals[at];
		if (word === undefined && !name.startsWith('[')) throw usage(`${name} is missing.`);
		return [name.replace(/[[\]]/g, ''), word];
	});
	// Built key by key from what the types are made of.
	return { of: Object.fromEntries(of), values: Object.fromEntries(read), json: values['json'] === true } as Parsed<
		N,
		O
	>;
}

function split(options: Options, args: readonly string[]) {
	const config = Object.fromEntries(
		Object.entries(options).map(([name, option]) => [
			name,
			option.kind === 'flag'
				? { type: 'boolean' as const, ...(option.short !== undefined && { short: option.short }) }
				: { type: 'string' as const, multiple: option.kind === 'many' },
		]),
	);
	try {
		return parseArgs({ args: [...args], options: config, allowPositionals: true });
	} catch (error) {
		// What it says after the first sentence is about positional arguments, which nobody asked for.
		throw usage(error instanceof Error ? (error.message.split(/\. |\n/, 1)[0] ?? '') : String(error));
	}
}

function checked<S extends z.ZodType>(name: string, schema: S, text: string): z.output<S> {
	const read = schema.safeParse(text);
	if (!read.success) throw usage(`${name}: ${read.error.issues[0]?.message ?? 'is not valid'}`);
	return read.data;
}
