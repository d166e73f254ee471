import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BadPattern, hostsMeant } from '#domain/host-pattern.ts';
import { GroupsJson } from '#domain/inventory.ts';

const folder = path.resolve(import.meta.dirname, '../support/inventories');
const read = (name: string): unknown => JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
const groupsOf = (name: string) => GroupsJson.parse(read(`${name}.json`));
const meant = (groups: GroupsJson, limit: string | null): string[] | null => {
	try {
		return hostsMeant(groups, limit);
	} catch (error) {
		if (error instanceof BadPattern) return null;
		throw error;
	}
};

describe('what a limit means is what ansible all --limit … --list-hosts says', () => {
	const told = z
		.record(z.string(), z.record(z.string(), z.array(z.string()).nullable()))
		.parse(read('limits.hosts.json'));
	for (const [name, limits] of Object.entries(told)) {
		const groups = groupsOf(name);
		it.each(Object.entries(limits))(`${name}: %s`, (limit, hosts) => {
			expect(meant(groups, limit)?.sort() ?? null).toEqual(hosts);
		});
	}
});

describe('a limit', () => {
	const groups = groupsOf('ranges.ini');
	const all = hostsMeant(groups, null);

	it('that is left out means every host, once, in the order of the inventory', () => {
		expect(all).toHaveLength(22);
		expect(all.slice(0, 3)).toEqual(['bastion.example.com', 'mail', 'quoted-host']);
		expect(hostsMeant(groups, 'db,web,mail')).toEqual(all.filter((h) => hostsMeant(groups, 'prod,mail').includes(h)));
	});

	it.each(['', '[', ',', ':', '~web.*', 'web,~.*', '!', 'web,&'])(
		'%j is refused, where Ansible may take it for everything',
		(limit) => {
			expect(meant(groups, limit)).toBeNull();
		},
	);

	it('never means a host that is not there, and says so at once, whatever it is', () => {
		const piece = fc.constantFrom(
			'*',
			'?',
			'[',
			']',
			'!',
			'&',
			':',
			',',
			'-',
			'web',
			'db',
			'w',
			'a',
			'0',
			'1',
			'.',
			'~',
		);
		fc.assert(
			fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
				for (const host of meant(groups, pieces.join('')) ?? []) expect(all).toContain(host);
			}),
		);
	});

	it('28: that would keep a regular expression busy for ever is read at once', () => {
		const host = 'a'.repeat(400);
		const long: GroupsJson = {
			all: { children: ['ungrouped'] },
			ungrouped: { hosts: [host] },
			_meta: { hostvars: {} },
		};
		expect(hostsMeant(long, `${'*a'.repeat(200)}*b`)).toEqual([]);
		expect(hostsMeant(long, `${'*a'.repeat(200)}*`)).toEqual([host]);
	});

	it('of an inventory with odd names takes them as they are', () => {
		const odd: GroupsJson = {
			all: { children: ['ungrouped', '__proto__', 'constructor'] },
			ungrouped: { hosts: ['$(touch canary)', 'toString'] },
			_meta: { hostvars: {} },
		};
		expect(hostsMeant(odd, 'constructor')).toEqual([]);
		expect(hostsMeant(odd, 'toString')).toEqual(['toString']);
		expect(hostsMeant(odd, '$*')).toEqual(['$(touch canary)']);
	});
});
