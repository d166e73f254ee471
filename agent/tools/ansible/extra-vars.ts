import type { ParametersSchema } from '#domain/parameter.ts';
import type { ParameterValues } from '#domain/parameter-values.ts';

/** Text as YAML reads it back, whatever is in it. */
const quoted = (text: string): string =>
	JSON.stringify(text).replace(/[\u007f-\u{10ffff}]/gu, (c) => {
		const code = c.codePointAt(0) ?? 0;
		return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
	});

/**
 * A run's parameters as a file of extra variables. `!unsafe`: a value is text, and no template of ansible's, in which anybody who may
 * give a parameter could have it run what they like. A number is one.
 */
export function extraVars(values: ParameterValues, schema: ParametersSchema | null): string {
	const isNumber = (name: string) => schema?.some((p) => p.name === name && p.type === 'number') ?? false;
	const lines = Object.entries(values).map(
		([name, value]) => `${quoted(name)}: ${isNumber(name) ? String(Number(value)) : `!unsafe ${quoted(value)}`}`,
	);
	return lines.length === 0 ? '{}\n' : `${lines.join('\n')}\n`;
}
