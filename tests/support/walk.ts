// Everything that can be made of a JSON value by changing one thing of it, at whatever depth.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export interface Altered {
	/** Where: `steps.0.name`. */
	path: string;
	/** Changed: another value of the same type. */
	how: 'changed' | 'retyped' | 'removed' | 'added' | 'moved';
	value: Json;
}

const kindOf = (value: Json) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

const retyped = (value: Json): Json[] => {
	const others = [null, true, 17, 'x', [], {}].filter((candidate) => kindOf(candidate) !== kindOf(value));
	return [...others, [value], { x: value }];
};

/** One that is most likely no longer of its format, and one that most likely still is. */
function changed(leaf: Json): Json[] {
	if (typeof leaf === 'boolean') return [!leaf];
	if (typeof leaf === 'number') return [leaf + 1, -leaf];
	if (typeof leaf !== 'string') return [];
	const at = Math.floor(leaf.length / 2);
	const letter = (leaf[at] ?? '').replace(/[a-y0-8]/i, (c) => String.fromCharCode(c.charCodeAt(0) + 1));
	const nudged = leaf.slice(0, at) + letter + leaf.slice(at + 1);
	return [`${leaf}~`, ...(nudged === leaf ? [] : [nudged])];
}

/** Each leaf another one, each value one of other types, each key and element removed, each object and array with one more, each array in another order. */
export function* walk(value: Json, path = ''): Generator<Altered> {
	const below = (name: string | number) => (path === '' ? String(name) : `${path}.${String(name)}`);
	if (path !== '') for (const to of retyped(value)) yield { path, how: 'retyped', value: to };
	for (const to of changed(value)) yield { path, how: 'changed', value: to };
	if (Array.isArray(value)) {
		for (const [i, item] of value.entries()) {
			yield { path: below(i), how: 'removed', value: value.filter((_, n) => n !== i) };
			for (const altered of walk(item, below(i))) yield { ...altered, value: value.with(i, altered.value) };
		}
		for (const more of [...value.slice(0, 1), 'more']) yield { path, how: 'added', value: [...value, more] };
		if (value.length > 1) yield { path, how: 'moved', value: value.toReversed() };
	} else if (typeof value === 'object' && value !== null) {
		const entries = Object.entries(value);
		for (const [key, item] of entries) {
			const rest = entries.filter(([name]) => name !== key);
			yield { path: below(key), how: 'removed', value: Object.fromEntries(rest) };
			for (const altered of walk(item, below(key))) yield { ...altered, value: { ...value, [key]: altered.value } };
		}
		for (const key of ['force', '__proto__'])
			yield { path: below(key), how: 'added', value: Object.fromEntries([...entries, [key, 'more']]) };
	}
}
