import { expect } from 'vitest';
import { KINDS } from '#worker/services/archive/kinds.ts';
import { person } from './api-world.ts';

/** Everything the tests of a file made leaves as an archive that another hub would take. Gives the kinds of row there were. */
export async function expectArchivable(): Promise<Set<string>> {
	const admin = await person('admin');
	const { body } = await admin.call('GET', '/api/export?documents=true');
	const kinds = new Map<string, (typeof KINDS)[number]>(KINDS.map((kind) => [kind.kind, kind]));
	const seen = new Set<string>();
	for (const line of String(body.text).split('\n').slice(1, -1)) {
		const { kind, row } = JSON.parse(line) as { kind: string; row: Record<string, unknown> };
		const arrived = kinds.get(kind)?.arrive(row, '2026-11-24T00:00:00.000Z');
		if (arrived) expect(arrived, line).not.toHaveProperty('faults');
		seen.add(kind);
	}
	return seen;
}
