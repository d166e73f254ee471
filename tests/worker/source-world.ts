import { expect } from 'vitest';
import type { Answer, Caller } from './api-world.ts';

// What the tests of the source model's sections share: a row has every field of its entity, under its name and of its type.

type Kind = 'int' | 'int?' | 'str' | 'str?' | 'datetime' | 'datetime?' | 'bool' | 'json' | readonly string[];

const fits = (kind: Kind, value: unknown): boolean => {
	if (typeof kind !== 'string') return typeof value === 'string' && kind.includes(value);
	if (kind.endsWith('?') && value === null) return true;
	if (kind.startsWith('int')) return Number.isInteger(value);
	if (kind === 'bool') return typeof value === 'boolean';
	if (kind.startsWith('datetime')) return typeof value === 'string' && /^\d{4}-.*Z$/.test(value);
	return kind === 'json' ? typeof value === 'object' && value !== null : typeof value === 'string';
};

export function expectFields(row: Answer['body'], fields: Record<string, Kind>): void {
	for (const [name, kind] of Object.entries({
		id: 'int',
		...fields,
		created_at: 'datetime',
		updated_at: 'datetime',
	} as const)) {
		expect(Object.keys(row), name).toContain(name);
		expect(fits(kind, row[name]), `${name}: ${JSON.stringify(row[name])} is ${JSON.stringify(kind)}`).toBe(true);
	}
}

/** Each of these bodies is a 400 that names the field, and leaves the list as it was. */
export async function expectRefused(who: Caller, list: string, cases: readonly (readonly [object, string])[]) {
	const before = await who.ok('GET', list);
	const [at = list] = list.split('?');
	for (const [body, field] of cases)
		expect(await who.call('POST', at, { body }), JSON.stringify(body)).toMatchObject({
			status: 400,
			body: { code: 'invalid', errors: [{ path: field }] },
		});
	expect(await who.ok('GET', list)).toEqual(before);
}

export const ifMatch = (row: Answer['body']) => ({ 'if-match': `"v${String(row.version)}"` });
