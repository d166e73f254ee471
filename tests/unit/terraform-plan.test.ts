import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PlanDiff, PlanResource } from '#domain/terraform.ts';
import { NotAPlan, parsePlan } from '#domain/terraform/parse.ts';

// builtin.json is what Terraform 1.11 printed (terraform plan -out=p && terraform show -json p) of builtin.tf, over an earlier state.
const builtin = readFileSync(path.resolve(import.meta.dirname, '../support/plans/builtin.json'), 'utf8');

const change = (fields: object) => ({
	actions: ['update'],
	before: null,
	after: null,
	after_unknown: {},
	before_sensitive: false,
	after_sensitive: false,
	...fields,
});
const plan = (changes: object[], more: object = {}) =>
	parsePlan(
		JSON.stringify({
			format_version: '1.2',
			resource_changes: changes.map((one, n) => ({
				address: `aws_instance.n${String(n)}`,
				type: 'aws_instance',
				provider_name: 'registry.terraform.io/hashicorp/aws',
				change: change(one),
			})),
			...more,
		}),
	);
const attributes = (fields: object) => plan([fields]).diff.resource_changes[0]?.attributes;

describe('a plan as Terraform prints it', () => {
	const parsed = parsePlan(builtin);

	it('is counted by what it does', () => {
		expect(parsed.terraform_version).toBe('1.11.4');
		expect(parsed.counts).toEqual({ create: 2, update: 1, replace: 1, delete: 1, read: 0, 'no-op': 1 });
		expect(parsed.resource_changes.map(({ address, action }) => [address, action])).toEqual([
			['terraform_data.changed', 'update'],
			['terraform_data.gone', 'delete'],
			['terraform_data.new["blue"]', 'create'],
			['terraform_data.new["green"]', 'create'],
			['terraform_data.replaced', 'replace'],
		]);
		for (const resource of parsed.resource_changes) expect(PlanResource.parse(resource)).toEqual(resource);
	});

	it('is a diff, attribute by attribute', () => {
		expect(PlanDiff.parse(parsed.diff)).toEqual(parsed.diff);
		const of = (address: string) => parsed.diff.resource_changes.find((one) => one.address === address)?.attributes;
		const attribute = (fields: object) => ({
			before: null,
			after: null,
			sensitive: false,
			unknown: false,
			forces_replacement: false,
			...fields,
		});
		expect(of('terraform_data.changed')).toEqual([
			attribute({ path: 'input.login', sensitive: true }),
			attribute({ path: 'input.size', before: 'small', after: 'large' }),
			attribute({ path: 'input.tags[1]', before: 'b', after: 'c' }),
			attribute({ path: 'input.tags[2]', after: 'd' }),
			// Not marked by Terraform, and the same secret in it all the same.
			attribute({ path: 'output', sensitive: true, unknown: true }),
		]);
		expect(of('terraform_data.replaced')).toContainEqual(
			attribute({ path: 'triggers_replace', before: 'v1', after: 'v2', forces_replacement: true }),
		);
		expect(of('terraform_data.replaced')).toContainEqual(
			attribute({ path: 'id', before: '209b4a3c-4f2b-81f8-890b-07ce490cd0a4', unknown: true }),
		);
		expect(parsed.diff.output_changes).toEqual([
			{ name: 'login', action: 'update', attributes: [attribute({ path: '', sensitive: true })] },
			{ name: 'size', action: 'update', attributes: [attribute({ path: '', before: 'small', after: 'large' })] },
		]);
	});

	it('46: holds no secret of the document, marked where it stands or not', () => {
		expect(builtin).toContain('correct horse battery staple');
		expect(JSON.stringify(parsed)).not.toMatch(/correct horse|a new secret/);
	});
});

describe('what is sensitive', () => {
	it('46: is hidden on both sides, whichever side marks it', () => {
		for (const [before_sensitive, after_sensitive] of [
			[{ p: true }, {}],
			[{}, { p: true }],
			[true, {}],
		])
			expect(
				JSON.stringify(
					attributes({ before: { p: 'old-one' }, after: { p: 'new-one' }, before_sensitive, after_sensitive }),
				),
			).not.toMatch(/old-one|new-one/);
	});

	it('46: a whole that becomes another kind is hidden when a part of it is', () => {
		expect(attributes({ before: { a: ['s3cr3t'] }, after: { a: 'text' }, before_sensitive: { a: [true] } })).toEqual([
			expect.objectContaining({ path: 'a', before: null, after: null, sensitive: true }),
		]);
	});

	it('46: a sensitive variable is hidden wherever it went', () => {
		const parsed = plan([{ before: null, after: { user_data: 'login=hunter22-hunter22\n', other: 'x' } }], {
			variables: { password: { value: 'hunter22-hunter22' } },
			configuration: { root_module: { variables: { password: { sensitive: true } } } },
		});
		expect(JSON.stringify(parsed)).not.toContain('hunter22');
		expect(JSON.stringify(parsed)).toContain('"after":"x"');
	});

	it('46: whatever the marks, no marked text comes out', () => {
		const secret = fc.stringMatching(/^[a-z]{12,20}$/).map((text) => `SECRET${text}`);
		const tree = fc.letrec<{ node: [unknown, unknown] }>((tie) => ({
			node: fc.oneof(
				{ depthSize: 'small' },
				secret.map((text): [unknown, unknown] => [text, true]),
				fc.constantFrom('plain', 1, null, true).map((value): [unknown, unknown] => [value, false]),
				fc
					.array(tie('node'), { maxLength: 3 })
					.map((all): [unknown, unknown] => [all.map(([v]) => v), all.map(([, m]) => m)]),
				fc
					.dictionary(fc.constantFrom('a', 'b', 'c'), tie('node'))
					.map((all): [unknown, unknown] => [
						Object.fromEntries(Object.entries(all).map(([k, [v]]) => [k, v])),
						Object.fromEntries(Object.entries(all).map(([k, [, m]]) => [k, m])),
					]),
			),
		})).node;
		fc.assert(
			fc.property(tree, tree, ([before, before_sensitive], [after, after_sensitive]) => {
				const parsed = plan([
					{
						before: { x: before },
						after: { x: after },
						before_sensitive: { x: before_sensitive },
						after_sensitive: { x: after_sensitive },
					},
				]);
				expect(JSON.stringify(parsed)).not.toContain('SECRET');
			}),
			{ numRuns: 300 },
		);
	});
});

describe('what else it says', () => {
	it('a replacement in either order, a read, and what is only forgotten', () => {
		const { counts, resource_changes } = plan([
			{ actions: ['create', 'delete'] },
			{ actions: ['delete', 'create'] },
			{ actions: ['read'] },
			{ actions: ['forget'] },
			{ actions: ['no-op'] },
		]);
		expect(counts).toMatchObject({ replace: 2, read: 1, 'no-op': 2, update: 0 });
		expect(resource_changes).toHaveLength(3);
	});

	it('a part that is not known yet, inside of what is', () => {
		expect(attributes({ before: { a: { x: 1 } }, after: { a: { x: 1 } }, after_unknown: { a: { y: true } } })).toEqual([
			expect.objectContaining({ path: 'a.y', unknown: true, before: null, after: null }),
		]);
	});

	it('a long text is cut', () => {
		expect(attributes({ before: { a: 'x' }, after: { a: 'y'.repeat(5_000) } })?.[0]?.after).toHaveLength(2_001);
	});
});

describe('what is no plan', () => {
	it('is refused with a reason', () => {
		for (const text of [
			'',
			'x',
			'[]',
			'null',
			'{}',
			'{"format_version":"4.0"}',
			'{"format_version":"1.2","resource_changes":[{}]}',
			'{"format_version":"1.2","resource_changes":[{"address":"a","type":"b","change":{"actions":["explode"]}}]}',
			`{"format_version":"1.2","resource_changes":${'['.repeat(3000)}`,
		])
			expect(() => parsePlan(text), text.slice(0, 40)).toThrow(NotAPlan);
	});

	it('26: __proto__ in it pollutes nothing', () => {
		const parsed = parsePlan(
			'{"format_version":"1.2","resource_changes":[{"address":"a","type":"b","change":{"actions":["update"],"before":{"__proto__":{"polluted":1}},"after":{"__proto__":{"polluted":2}},"before_sensitive":{},"after_sensitive":{}}}]}',
		);
		expect(parsed.counts.update).toBe(1);
		expect(Reflect.get({}, 'polluted')).toBeUndefined();
	});
});
