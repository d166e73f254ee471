import type { ParametersSchema, ParameterSpec, ParameterType, SecretDelivery } from '#domain/parameter.ts';

/** A parameter as its editor holds it: everything as text, the way fields give it. */
export interface ParameterDraft {
	/** Tells one from another while they are moved about. */
	key: string;
	name: string;
	type: ParameterType;
	label: string;
	help: string;
	required: boolean;
	fallback: string;
	max_length: string;
	allow_dash: boolean;
	min: string;
	max: string;
	integer: boolean;
	/** One a line. */
	options: string;
	/** How scripts get a secret, and in which variable. */
	deliver: SecretDelivery['as'];
	variable: string;
}

let keys = 0;

export const newParameter = (): ParameterDraft => ({
	key: String(++keys),
	name: '',
	type: 'text',
	label: '',
	help: '',
	required: false,
	fallback: '',
	max_length: '',
	allow_dash: false,
	min: '',
	max: '',
	integer: false,
	options: '',
	deliver: 'file',
	variable: '',
});

const text = (value: string | number | undefined): string => (value === undefined ? '' : String(value));

export function parameterDraft(p: ParameterSpec): ParameterDraft {
	const { name, type, label = '', help = '', required } = p;
	const draft = { ...newParameter(), name, type, label, help, required };
	if ('default' in p) draft.fallback = text(p.default);
	if (p.type === 'text') return { ...draft, max_length: text(p.max_length), allow_dash: p.allow_dash ?? false };
	if (p.type === 'number') return { ...draft, min: text(p.min), max: text(p.max), integer: p.integer ?? false };
	if (p.type === 'secret' && p.deliver)
		return { ...draft, deliver: p.deliver.as, variable: p.deliver.as === 'env' ? p.deliver.variable : '' };
	return p.type === 'choice' ? { ...draft, options: p.options.join('\n') } : draft;
}

/** A number, or the text itself so that the schema says what is wrong with it. */
const numberIn = (typed: string) => {
	const trimmed = typed.trim();
	return trimmed === '' ? undefined : Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
};
const set = <T extends object>(fields: T) =>
	Object.fromEntries(
		Object.entries(fields).filter(([, value]) => value !== undefined && value !== false && value !== ''),
	);

/** The draft as the API takes it; what does not belong to its type is left out. */
export function specIn(d: ParameterDraft): Record<string, unknown> {
	const { type } = d;
	const own = {
		text: { default: d.fallback, max_length: numberIn(d.max_length), allow_dash: d.allow_dash },
		number: { default: numberIn(d.fallback), min: numberIn(d.min), max: numberIn(d.max), integer: d.integer },
		choice: { default: d.fallback },
		date: { default: d.fallback },
		hosts: {},
		secret: { default: d.fallback, deliver: deliveryIn(d) },
	}[type];
	return {
		name: d.name.trim(),
		type,
		...set({ label: d.label.trim(), help: d.help.trim() }),
		required: d.required,
		...set(own),
		...(type === 'choice' && { options: optionsIn(d.options) }),
	};
}

/** A file is what is left out. */
const deliveryIn = ({ deliver, variable }: ParameterDraft) =>
	deliver === 'file' ? undefined : { as: deliver, ...(deliver === 'env' && { variable: variable.trim() }) };

export const optionsIn = (typed: string): string[] =>
	typed
		.split('\n')
		.map((line) => line.trim())
		.filter((line) => line !== '');

/** What a form of values begins with. */
export const valuesOf = (schema: ParametersSchema): Record<string, string> =>
	Object.fromEntries(schema.map((p) => [p.name, 'default' in p ? text(p.default) : '']));

/** What was filled in, as the API takes it; what is empty is left to its default. */
export const inputOf = (values: Readonly<Record<string, string>>): Record<string, string> =>
	Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
