import type { PlanAttribute } from '../terraform.ts';

/** A value as a plan's JSON holds it. */
type Value = unknown;
type Fields = ReadonlyMap<string, Value>;

const DEPTH_MAX = 20;
/** A value is shown up to this length: policies and user data run to kilobytes. */
const TEXT_MAX = 2_000;

/** One side of a change: the value, and which parts of it must not be seen (`true`, or the shape of it with `true` in places). */
export interface Side {
	value: Value;
	sensitive: Value;
}

const fieldsOf = (value: Value): Fields | null => {
	if (Array.isArray(value)) return new Map(value.map((item: unknown, at) => [`[${String(at)}]`, item]));
	if (typeof value === 'object' && value !== null) return new Map(Object.entries(value));
	return null;
};
/** A mark stands for all that is beneath it. */
const markOf = (mark: Value, field: string): Value => (mark === true ? true : (fieldsOf(mark)?.get(field) ?? false));

const holdsMark = (mark: Value, depth = 0): boolean =>
	mark === true ||
	(depth < DEPTH_MAX && [...(fieldsOf(mark)?.values() ?? [])].some((inside) => holdsMark(inside, depth + 1)));

function textOf(value: Value): string | null {
	if (value === null || value === undefined) return null;
	return typeof value === 'string' ? value : JSON.stringify(value);
}

const shortened = (text: string): string => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);

/** Shorter ones are found by their marks only: `no` or `1` are in every plan. */
const SECRET_MIN = 4;
/** Secrets looked for inside of other texts; beyond that, and for short ones, a text must be the secret itself. */
const INSIDE_MAX = 500;
const INSIDE_MIN = 8;

/**
 * The values that a plan marks somewhere. Terraform's marks are not everywhere: what a provider copies into another
 * attribute loses its own. So a value that is secret in one place is secret in all.
 */
export class Secrets {
	readonly #all = new Set<string>();

	/** Takes the values beneath a mark. */
	add(value: Value, mark: Value, depth = 0): void {
		const fields = fieldsOf(value);
		if (fields && depth < DEPTH_MAX)
			for (const [field, inside] of fields) this.add(inside, markOf(mark, field), depth + 1);
		else if (mark === true && value !== null && value !== undefined && typeof value !== 'boolean') {
			const text = typeof value === 'string' ? value : JSON.stringify(value);
			if (text.trim().length >= SECRET_MIN) this.#all.add(text);
		}
	}

	/** A function, made when all are known, that says whether a text holds one of them. */
	finder(): (text: string) => boolean {
		const inside = [...this.#all]
			.filter((secret) => secret.length >= INSIDE_MIN)
			.slice(0, INSIDE_MAX)
			.flatMap((secret) => [...new Set([secret, JSON.stringify(secret).slice(1, -1)])]);
		return (text) => this.#all.has(text) || inside.some((secret) => text.includes(secret));
	}
}

interface Change {
	before: Side;
	after: Side;
	unknown: Value;
}

/**
 * The attributes that differ, leaf by leaf. A sensitive one is told without its value, whichever side marks it: what is
 * secret today was no less so yesterday.
 */
export function differences(
	{ before, after, unknown }: Change,
	replaced: readonly string[],
	isSecret: (text: string) => boolean,
	path = '',
	depth = 0,
): PlanAttribute[] {
	const same = JSON.stringify(before.value ?? null) === JSON.stringify(after.value ?? null);
	if (same && !holdsMark(unknown)) return [];
	const leaf = {
		path,
		unknown: unknown === true,
		forces_replacement: replaced.some(
			(one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`),
		),
	};
	const hidden = { ...leaf, before: null, after: null, sensitive: true };
	if (before.sensitive === true || after.sensitive === true) return [hidden];

	const fields = unknown === true || depth >= DEPTH_MAX ? [] : commonFields(before.value, after.value, unknown);
	if (fields.length > 0)
		return fields.flatMap((field) =>
			differences(
				{ before: partOf(before, field), after: partOf(after, field), unknown: markOf(unknown, field) },
				replaced,
				isSecret,
				path === '' || field.startsWith('[') ? `${path}${field}` : `${path}.${field}`,
				depth + 1,
			),
		);
	const texts = [before.value, leaf.unknown ? null : after.value].map(textOf);
	// A whole that holds a secret somewhere inside is not written out.
	if (
		holdsMark(before.sensitive) ||
		holdsMark(after.sensitive) ||
		texts.some((text) => text !== null && isSecret(text))
	)
		return [hidden];
	const [left = null, right = null] = texts.map((text) => text && shortened(text));
	return [{ ...leaf, before: left, after: right, sensitive: false }];
}

/** The fields of two objects, or of two lists, or of one beside nothing; none where they are of different kinds. */
function commonFields(before: Value, after: Value, unknown: Value): string[] {
	const sides = [before, after].filter((value) => value !== null && value !== undefined);
	const kinds = sides.map((value) => (Array.isArray(value) ? 'list' : fieldsOf(value) ? 'object' : 'leaf'));
	if (kinds.length === 0 || kinds.includes('leaf') || new Set(kinds).size > 1) return [];
	return [...new Set([...sides, unknown].flatMap((value) => [...(fieldsOf(value)?.keys() ?? [])]))];
}

const partOf = (side: Side, field: string): Side => ({
	value: fieldsOf(side.value)?.get(field),
	sensitive: markOf(side.sensitive, field),
});
