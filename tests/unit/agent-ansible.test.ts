import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { extraVars } from '#agent/tools/ansible/extra-vars.ts';
import { RecapReader } from '#agent/tools/ansible/recap.ts';
import { ansibleRefusal } from '#protocol/ansible-refusal.ts';
import { SpecBook, type SpecOf } from '#tests/support/specs.ts';

// As ansible-core 2.14 printed it, with ANSIBLE_FORCE_COLOR; the second part is a task's own words.
const PRINTED = `
PLAY [all] *********************************************************************

TASK [try] *********************************************************************
\x1b[0;33mchanged: [web1]\x1b[0m
\x1b[0;32mok: [db-1.example -> localhost]\x1b[0m
\x1b[0;31mfatal: [web2]: FAILED! => {"changed": false, "msg": "ok: [inside] PLAY RECAP ****"}\x1b[0m
\x1b[1;31mfatal: [away]: UNREACHABLE! => {"changed": false, "unreachable": true}\x1b[0m
\x1b[0;36mskipping: [2001:db8::1]\x1b[0m
    "msg": "ok: [nobody]"

PLAY RECAP *********************************************************************
\x1b[0;31m2001:db8::1\x1b[0m                : \x1b[0;32mok=1   \x1b[0m changed=0    unreachable=0    failed=0    \x1b[0;36mskipped=1   \x1b[0m rescued=0    ignored=0   
\x1b[0;31maway\x1b[0m                       : ok=0    changed=0    \x1b[1;31munreachable=1   \x1b[0m failed=0    skipped=0    rescued=0    ignored=0   
\x1b[0;33mweb1\x1b[0m                       : \x1b[0;32mok=1   \x1b[0m \x1b[0;33mchanged=1   \x1b[0m unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   
web2                       : ok=0    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0   

evil                       : ok=9
`;
const bare = stripVTControlCharacters(PRINTED);

function read(parts: readonly Buffer[]) {
	const seen: string[] = [];
	const reader = new RecapReader((host) => seen.push(host));
	for (const part of parts) reader.push(part);
	return { seen, recap: Object.fromEntries(reader.recap) };
}

describe("a playbook's recap", () => {
	const zero = { ok: 0, changed: 0, unreachable: 0, failed: 0, skipped: 0, rescued: 0, ignored: 0 };

	it.each([PRINTED, bare])('is read with colours and without, and so are the hosts it came to', (text) => {
		const { seen, recap } = read([Buffer.from(text)]);
		expect(seen).toEqual(['web1', 'db-1.example', 'web2', 'away', '2001:db8::1']);
		expect(recap).toEqual({
			'2001:db8::1': { ...zero, ok: 1, skipped: 1 },
			away: { ...zero, unreachable: 1 },
			web1: { ...zero, ok: 1, changed: 1 },
			web2: { ...zero, failed: 1 },
		});
	});

	it('is the same however the output is cut', () => {
		const bytes = Buffer.from(PRINTED.replace('web1', 'h\u00f4te'));
		fc.assert(
			fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
				const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
				const parts = at.slice(1).map((to, i) => bytes.subarray(at[i], to));
				expect(read(parts)).toEqual(read([bytes]));
			}),
		);
	});

	it('48: is not held up by a line that never ends, nor by more hosts than can be', () => {
		const flood = Buffer.alloc(1_000_000, 'x');
		expect(read([...Array<Buffer>(20).fill(flood), Buffer.from('\nok: [web1]\n')]).seen).toEqual(['web1']);
		const many = Array.from({ length: 5_000 }, (_, i) => `ok: [h${String(i)}]\n`).join('');
		expect(read([Buffer.from(many)]).seen).toHaveLength(1_000);
	});
});

describe('40: parameters as extra variables', () => {
	it('come back as they were, as text that no template is made of', () => {
		fc.assert(
			fc.property(
				fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/), fc.string({ unit: 'grapheme' })),
				(values) => {
					const text = extraVars(values, null);
					const unsafe = { tag: '!unsafe', resolve: (value: string) => value };
					expect(parse(text, { customTags: [unsafe] })).toEqual({ ...values });
					for (const line of text.split('\n').slice(0, -1))
						if (line !== '{}') expect(line).toMatch(/^"[^"]+": !unsafe "/);
				},
			),
		);
	});

	it('are numbers where they are declared so', () => {
		const schema = [{ name: 'N', type: 'number' as const, required: false }];
		expect(parse(extraVars({ N: '1e2' }, schema))).toEqual({ N: 100 });
		expect(extraVars({}, null)).toBe('{}\n');
	});
});

describe('40: parameters that Ansible would take for more than text', () => {
	const book = new SpecBook();
	const refusal = (over: SpecOf): string | null => {
		const found = ansibleRefusal(book.spec({ steps: [book.step('', { tool: 'ansible' })], ...over }));
		return found && `${found.path} ${found.message}`;
	};
	const text = { name: 'TEXT', type: 'text' as const, required: false };

	it.each(['ansible_python_interpreter', 'ansible_connection', 'ansible_ssh_common_args', 'inventory_hostname'])(
		'40: %s is the job to declare',
		(name) => {
			expect(refusal({ parameters: { [name]: 'x' } })).toContain(`parameters.${name}`);
			expect(refusal({ parameters: { [name]: 'x' }, parameters_schema: [{ ...text, name }] })).toBeNull();
			expect(refusal({ parameters: { [name]: 'x' }, steps: [book.step('')] })).toBeNull();
		},
	);

	it.each([
		['-e', 'A={{TEXT}}'],
		['-eA={{TEXT}}'],
		['-vDe', 'A={{TEXT}}'],
		['-bveA={{TEXT}}'],
		['--extra-vars', '{"A": "{{TEXT}}"}'],
		['--extra-vars=A={{TEXT}}'],
		['--ex', '{{TEXT}}'],
		['--e=@{{TEXT}}'],
	])('40: a text is no part of extra variables: %s %s', (...args) => {
		const parameters = { TEXT: 'x ansible_connection=local' };
		expect(refusal({ parameters, arguments: args })).toContain('--extra-vars');
		expect(refusal({ parameters, arguments: args, parameters_schema: [text] })).toContain('--extra-vars');
		expect(refusal({ arguments: args })).toBeNull();
		const number = { name: 'TEXT', type: 'number' as const, required: false };
		expect(refusal({ parameters: { TEXT: '41' }, arguments: args, parameters_schema: [number] })).toBeNull();
	});

	it('40: nor is it a template of any other argument, however it is put together', () => {
		for (const [args, parameters] of [
			[['-u', '{{TEXT}}'], { TEXT: "{{ lookup('pipe', 'x') }}" }],
			[['-u', '{{{TEXT}}}'], { TEXT: "{ lookup('pipe', 'x') }" }],
			[['-u', '{{A}}{{B}}'], { A: '{', B: '% if x %}' }],
		] as const)
			expect(refusal({ parameters, arguments: [...args] })).toContain('as a template');
		expect(refusal({ parameters: { TEXT: 'a {b} %c' }, arguments: ['-t', '{{TEXT}}', '--limit={{TEXT}}'] })).toBeNull();
	});

	it('40: what would only become the option by its value is one all the same', () => {
		const schema = [{ ...text, allow_dash: true }];
		const asked = { parameters: { TEXT: '-eansible_connection=local' }, arguments: ['{{TEXT}}'] };
		expect(refusal({ ...asked, parameters_schema: schema })).toContain('--extra-vars');
	});
});
