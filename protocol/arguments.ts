import type { RunSpec } from './run-spec.ts';

const PLACE = /\{\{([A-Za-z_][A-Za-z0-9_]{0,63})\}\}/g;

type Valued = Pick<RunSpec, 'arguments' | 'parameters'>;

/** The job's arguments, with the values of this run; `names`: which of its parameters are in each. */
export const filledArguments = ({ arguments: all = [], parameters }: Valued): { text: string; names: string[] }[] =>
	all.map((template) => {
		const names: string[] = [];
		const text = template.replace(PLACE, (_, name: string) => {
			const value = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
			if (value !== undefined) names.push(name);
			return value ?? '';
		});
		return { text, names };
	});
