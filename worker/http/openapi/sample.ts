import { followed, type Schema, type Schemas } from './schema.ts';

// An answer as it might look. A name that means the same everywhere has the same value everywhere, where its schema takes it.

const AT = '2026-11-24T09:30:00.000Z';

const byName: Record<string, unknown> = {
	id: 7,
	project_id: 3,
	version: 1,
	name: 'Web shop',
	title: 'Deploy the shop',
	username: 'nadia',
	display_name: 'Nadia',
	email: 'nadia@example.org',
	summary: 'The basket was slow for half an hour.',
	description: 'What it is for.',
	content: '#!/bin/sh\necho hello\n',
	body: 'The cache was evicted',
	text: 'hello world',
	url: 'https://example.org/shop',
	color: '#336699',
	location: 'scripts/3/5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
	revision: 'main',
	default_branch: 'main',
	branch: 'main',
	external_id: '4f2a9c1',
	kubeconfig_ref: 'vault:kv2/apps/k8s#config',
	request_id: '0c4b7d4e-56a1-4c8e-9d4e-2f6b7a1c9e10',
	ip: '192.0.2.7',
	user_agent: 'curl/8.14.1',
	next_cursor: null,
};

/** The first that fits: what the name says, a default, null, the least of its type. */
export function sample(schema: Schema, schemas: Schemas, name = '', depth = 0): unknown {
	const it = followed(schema, schemas);
	if (it.const !== undefined) return it.const;
	const named = byName[name];
	if (named !== undefined && takes(it, named)) return named;
	if (it.enum) return it.enum[0];
	const choices = it.anyOf ?? it.oneOf;
	if (choices) {
		const empty = choices.find((one) => one.type === 'null');
		if (empty && named === undefined) return null;
		return choices[0] && sample(choices[0], schemas, name, depth);
	}
	if (it.default !== undefined) return it.default;
	const types = [it.type ?? []].flat();
	if (types.includes('null')) return null;
	switch (types[0]) {
		case 'object':
			return objectOf(it, schemas, depth);
		case 'array':
			return it.items && depth < 6 && (it.minItems ?? 1) > 0
				? [sample(it.items, schemas, singular(name), depth + 1)]
				: [];
		case 'integer':
		case 'number':
			return Math.max(it.minimum ?? 0, 0);
		case 'boolean':
			return true;
		case 'string':
			return textOf(it);
		default:
			return {};
	}
}

function objectOf(it: Schema, schemas: Schemas, depth: number): Record<string, unknown> {
	const required = new Set(it.required ?? []);
	return Object.fromEntries(
		Object.entries(it.properties ?? {})
			.filter(([key]) => required.has(key))
			.map(([key, of]) => [key, sample(of, schemas, key, depth + 1)]),
	);
}

function textOf({ format, pattern, minLength = 0, maxLength = 200 }: Schema): string {
	if (format === 'date-time') return AT;
	if (format === 'date') return AT.slice(0, 10);
	if (pattern?.includes('{64}')) return '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03';
	const text = 'text';
	return text.padEnd(minLength, 'x').slice(0, maxLength);
}

const singular = (name: string) => (name.endsWith('_ids') || name === 'ids' ? 'id' : '');

const takes = (it: Schema, value: unknown): boolean =>
	value === null
		? [it.type ?? []].flat().includes('null')
		: !it.enum &&
			((typeof value === 'string' &&
				[it.type ?? []].flat().includes('string') &&
				it.format !== 'date-time' &&
				(it.pattern === undefined || new RegExp(it.pattern).test(value)) &&
				value.length <= (it.maxLength ?? Infinity)) ||
				(typeof value === 'number' &&
					['integer', 'number'].some((type) => [it.type ?? []].flat().includes(type)) &&
					value >= (it.minimum ?? 0)));
