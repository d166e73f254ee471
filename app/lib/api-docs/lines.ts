import type { Schema, Schemas } from './document.ts';

/** A field as a line: how deep it lies, and what it takes. */
export interface Line {
	depth: number;
	/** Empty: of several kinds, the next lines are one. */
	name: string;
	type: string;
	required: boolean;
	note: string;
}

/** Deeper, or a thing within itself, is told by its name alone. */
const DEPTH_MAX = 4;
const nameOf = (schema: Schema): string | undefined => schema.$ref?.split('/').at(-1);
const isNull = ({ type }: Schema) => type === 'null';
/** Where whole numbers end is no limit anybody set. */
const isLimit = (n: number | undefined): n is number => n !== undefined && Math.abs(n) < 2_147_483_647;

const follow = (schema: Schema, schemas: Schemas): Schema => schemas[nameOf(schema) ?? ''] ?? schema;
const kindsOf = (schema: Schema): Schema[] => schema.anyOf ?? schema.oneOf ?? [];

function range(low: number | undefined, high: number | undefined, what: string): string {
	if (isLimit(low) && isLimit(high))
		return low === high ? `${String(low)}${what}` : `${String(low)} to ${String(high)}${what}`;
	if (isLimit(low) && low > 0) return `at least ${String(low)}${what}`;
	return isLimit(high) ? `at most ${String(high)}${what}` : '';
}

/** What a schema takes, in a few words. */
export function typeOf(schema: Schema, schemas: Schemas): string {
	const target = follow(schema, schemas);
	const kinds = kindsOf(target);
	if (kinds.length > 0) {
		const names = kinds.filter((kind) => !isNull(kind)).map((kind) => typeOf(kind, schemas));
		return [...new Set(names), ...(kinds.some(isNull) ? ['null'] : [])].join(' or ');
	}
	if (target.enum) return target.enum.map((value) => JSON.stringify(value)).join(' | ');
	if (target.const !== undefined) return JSON.stringify(target.const);
	if (target.type === 'array') return `list of ${target.items ? typeOf(target.items, schemas) : 'anything'}`;
	if (target.type === 'object') {
		if (target.properties) return nameOf(schema) ?? 'object';
		const values = target.additionalProperties;
		return typeof values === 'object' ? `map of ${typeOf(values, schemas)}` : 'object';
	}
	if (target.format === 'date-time') return 'time';
	return [target.type ?? 'anything'].flat().join(' or ');
}

/** What else is asked of a value. */
function noteOf(schema: Schema, schemas: Schemas): string {
	const target = follow(schema, schemas);
	const [only, ...others] = kindsOf(target).filter((kind) => !isNull(kind));
	const inner = only && others.length === 0 ? noteOf(only, schemas) : '';
	return [
		schema.description ?? target.description ?? '',
		inner,
		range(target.minimum, target.maximum, ''),
		range(target.minLength, target.maxLength, ' characters'),
		range(target.minItems, target.maxItems, ' items'),
		target.format === undefined && target.pattern !== undefined && target.pattern.length <= 80 ? target.pattern : '',
		target.default === undefined || target.default === null ? '' : `default ${JSON.stringify(target.default)}`,
	]
		.filter(Boolean)
		.join(' · ');
}

/** What stands inside of lists and of what may be null. */
function inside(schema: Schema, schemas: Schemas): Schema[] {
	const target = follow(schema, schemas);
	const kinds = kindsOf(target).filter((kind) => !isNull(kind));
	if (kinds.length > 0) return kinds.flatMap((kind) => inside(kind, schemas));
	if (target.type === 'array' && target.items) return inside(target.items, schemas);
	return target.properties ? [target] : [];
}

export function linesOf(schema: Schema, schemas: Schemas, depth = 0, within: readonly Schema[] = []): Line[] {
	const objects = inside(schema, schemas).filter((one) => !within.includes(one));
	if (depth > DEPTH_MAX) return [];
	return objects.flatMap((object, n) => [
		...(objects.length > 1 ? [{ depth, name: '', type: n === 0 ? 'one kind' : 'or', required: false, note: '' }] : []),
		...Object.entries(object.properties ?? {}).flatMap(([name, property]): Line[] => [
			{
				depth,
				name,
				type: typeOf(property, schemas),
				required: object.required?.includes(name) ?? false,
				note: noteOf(property, schemas),
			},
			...linesOf(property, schemas, depth + 1, [...within, object]),
		]),
	]);
}
