import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GroupsJson, isSecretName } from '#domain/inventory.ts';
import { NotAnInventory } from '#worker/services/inventories/budget.ts';
import { hostsOf } from '#worker/services/inventories/hosts.ts';
import { parseInventory } from '#worker/services/inventories/parse.ts';
import { literalOrText } from '#worker/services/inventories/python-literal.ts';
import { shellWords } from '#worker/services/inventories/shell-words.ts';

const folder = path.resolve(import.meta.dirname, '../support/inventories');
const text = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const ini = (content: string) => parseInventory(content, 'hosts.ini').groups_json;
const yaml = (content: string) => parseInventory(content, 'hosts.yml').groups_json;
const refused = (content: string, name = 'hosts.ini') => {
	try {
		return JSON.stringify(parseInventory(content, name));
	} catch (error) {
		if (error instanceof NotAnInventory) return `${String(error.line ?? '')}: ${error.message}`;
		throw error;
	}
};

describe('what ansible-inventory --list prints', () => {
	for (const name of readdirSync(folder).filter((one) => /\.(ini|yml)$/.test(one)))
		it(`is what is read from ${name}`, () => {
			const { groups_json } = parseInventory(text(name), name);
			expect(groups_json).toEqual(JSON.parse(text(`${name}.json`)));
			expect(GroupsJson.parse(groups_json)).toEqual(groups_json);
		});
});

describe('an INI inventory', () => {
	it('27: names the line of what is wrong, and takes nothing of it', () => {
		for (const [content, said] of [
			['[web]\nh1\n[we b]', '3: [we b] is not a section'],
			['[web:sons]\nx', '1: a section is of hosts, children or vars'],
			['[web]\nh1 loose', '2: expected name=value'],
			['[web]\nh1 x="open', '2: has a quotation mark'],
			['[a:children]\nnowhere', '2: there is no group nowhere'],
			['[a:vars]\nx=1', '1: [a:vars] is of a group'],
			['[a:children]\na', '2: '],
			['[a:children]\nb\n[b:children]\na', ': the group'],
			['h[1:', '1: h[1: is not a range'],
			['h[01:1]', '1: a range with leading zeros'],
			['h:', '1: h: ends in a colon'],
			['---\nall:', '1: --- begins a YAML file'],
			['[__proto__]\nh1', '1: __proto__'],
			['h1 __proto__=1', '1: __proto__'],
			['h1\0', ': holds a NUL'],
		] as const)
			expect(refused(content), content).toContain(said);
	});

	it('27: names no more than can be held, however short it is', () => {
		for (const content of [
			'h[1:99999]',
			'h[1:999][1:999]',
			'h[0:999999999999999]',
			Array.from({ length: 9 }, (_, n) => `[g${String(n)}]\nh[1:9999]\n${'x[a:z][a:z][a:j] v=1\n'.repeat(200)}`).join(
				'',
			),
			Array.from({ length: 2_100 }, (_, n) => `[g${String(n)}]\n`).join(''),
			Array.from({ length: 200 }, (_, n) => `[g${String(n)}:children]\ng${String(n + 1)}\n`).join('') + '[g200]\nh',
			`h[1:9999]\n[all:vars]\nlong=${'x'.repeat(500)}`,
		])
			expect(refused(content), content.slice(0, 40)).toMatch(/more|levels/);
	});
});

describe('a YAML inventory', () => {
	it('27: an alias bomb, depth and strange tags are refused', () => {
		const bomb = [
			'a: &a [x, x]',
			...'bcdefghijklmnopqrstuvwxyz'.split('').map(
				(c, n) =>
					`${c}: &${c} [${Array(9)
						.fill(`*${String.fromCharCode(97 + n)}`)
						.join(', ')}]`,
			),
		];
		expect(refused(`all:\n  vars:\n${bomb.map((line) => `    ${line}`).join('\n')}`, 'x.yml')).toMatch(/more than can/);
		expect(refused('['.repeat(100_000), 'x.yml')).toMatch(/nested too deep|call stack/);
		expect(refused(`a: "${'\\x'.repeat(50_000)}`, 'x.yml')).toMatch(/^1: /);
		expect(refused(`all: ${'{children: {a: '.repeat(200)}${'}}'.repeat(200)}`, 'x.yml')).toMatch(/deep|levels/);
		expect(refused('all: {vars: {x: !!python/object/apply:os.system [id]}}', 'x.yml')).toMatch(/tag/);
		expect(refused('all: &a {vars: {x: *a}}', 'x.yml')).toMatch(/nested too deep|more than/);
		expect(refused('all: {vars: {x: *nothing}}', 'x.yml')).toMatch(/nothing/);
	});

	it('26: __proto__ is no name, and nothing is polluted', () => {
		for (const content of [
			'__proto__: {hosts: {h: {}}}',
			'all: {hosts: {__proto__: {polluted: 1}}}',
			'all: {vars: {__proto__: {polluted: 1}}}',
			'all: {vars: {x: {y: {__proto__: {polluted: 1}}}}, hosts: h}',
		])
			expect(refused(content, 'x.yml'), content).toContain('__proto__');
		expect(Reflect.get({}, 'polluted')).toBeUndefined();
	});

	it('says what is not of its form', () => {
		for (const [content, said] of [
			['', 'is not a mapping'],
			['- all', 'is not a mapping'],
			['plugin: aws_ec2', 'plugin'],
			['all: {hosts: [a]}', 'hosts of all must be a mapping'],
			['all: {hosts: {1: {}}}', 'must be text'],
			['all: {hosts: {a: text}}', 'must be a mapping'],
			['all:\n  hosts: {a: {}\n', ': '],
			['a: 1\n---\nb: 2', ': '],
		] as const)
			expect(refused(content, 'x.yml'), content).toContain(said);
	});

	it('is told from INI by its name, else by its look', () => {
		const format = (content: string, name = 'hosts') => parseInventory(content, name).format;
		expect(format('all:\n  hosts:\n    a:')).toBe('yaml');
		expect(format('# c\n---\nall: {}')).toBe('yaml');
		expect(format('{"all": {}}')).toBe('yaml');
		expect(format('[all]\na')).toBe('ini');
		expect(format('a b=c')).toBe('ini');
		expect(format('a:22')).toBe('ini');
		expect(format('a:\n', 'x.yaml')).toBe('yaml');
	});
});

describe('what is read of any text', () => {
	it('is an inventory or a refusal, and every host of it is in a group', () => {
		const line = fc.oneof(
			fc.constantFrom(
				'[a]',
				'[b]',
				'[a:children]',
				'[b:vars]',
				'a',
				'b',
				'h[1:3]',
				'h1 x=1',
				'h2:22',
				'x=[1',
				'"',
				'\\',
			),
			fc.string({ maxLength: 20 }),
		);
		fc.assert(
			fc.property(fc.array(line, { maxLength: 15 }), fc.constantFrom('x.ini', 'x.yml'), (lines, name) => {
				let parsed;
				try {
					parsed = parseInventory(lines.join('\n'), name);
				} catch (error) {
					expect(error).toBeInstanceOf(NotAnInventory);
					return;
				}
				const groups = GroupsJson.parse(parsed.groups_json);
				const reached = new Set<string>();
				const walk = (group: string): string[] => {
					if (reached.has(group)) return [];
					reached.add(group);
					const { hosts = [], children = [] } = groups[group] ?? {};
					return [...hosts, ...children.flatMap(walk)];
				};
				expect(new Set(walk('all')).size).toBe(parsed.host_count);
				for (const group of Object.keys(groups)) expect(group === '_meta' || reached.has(group)).toBe(true);
			}),
			{ numRuns: 400 },
		);
	});

	it('a word that is quoted comes back as it was', () => {
		fc.assert(
			fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (words) => {
				const quoted = words.map((word) => `"${word.replace(/["\\]/g, '\\$&')}"`).join(' ');
				expect(shellWords(quoted)).toEqual(words);
			}),
		);
	});

	it('a number of hosts is the number of names, all different', () => {
		fc.assert(
			fc.property(fc.nat(300), fc.nat(300), fc.integer({ min: 1, max: 9 }), (from, length, step) => {
				const { names } = hostsOf(`h[${String(from)}:${String(from + length)}:${String(step)}]x`);
				expect(new Set(names).size).toBe(Math.floor(length / step) + 1);
				expect(names[0]).toBe(`h${String(from)}x`);
			}),
		);
		expect(hostsOf('w[08:11]').names).toEqual(['w08', 'w09', 'w10', 'w11']);
		expect(hostsOf('[2001:db8::1]:22')).toEqual({ names: ['2001:db8::1'], port: 22 });
	});

	it('a literal of JSON is read as what it says', () => {
		fc.assert(
			fc.property(
				fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('__proto__')),
				(value) => {
					const python = JSON.stringify(value, (_, inside: unknown) => (Object.is(inside, -0) ? 0 : inside)).replace(
						/"(?:[^"\\]|\\.)*"|true|false|null/g,
						(part) => ({ true: 'True', false: 'False', null: 'None' })[part] ?? part.replaceAll('\\/', '/'),
					);
					expect(literalOrText(python)).toEqual(JSON.parse(JSON.stringify(value)));
				},
			),
		);
	});
});

describe('a variable whose value is hidden', () => {
	it('is known by its name', () => {
		for (const name of [
			'ansible_password',
			'db_pass',
			'API_KEY',
			'apiKey',
			'vault_token',
			'dbPassword',
			'aws_secret',
			'key',
		])
			expect(isSecretName(name), name).toBe(true);
		for (const name of ['ansible_host', 'keyboard', 'monkey', 'compass', 'passive', 'port'])
			expect(isSecretName(name), name).toBe(false);
	});
});

describe('groups from both forms', () => {
	it('are the same where they say the same', () => {
		expect(ini('[web]\nw1 a=1\n[web:vars]\nb=2')).toEqual(yaml('web: {hosts: {w1: {a: 1}}, vars: {b: 2}}'));
	});
});
