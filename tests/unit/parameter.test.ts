import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkParameters, ParametersSchema, type ParameterSpec, valueError } from '#domain/parameter.ts';
import { JobCreate } from '#domain/job.ts';

const schema = ParametersSchema.parse([
	{ name: 'VERSION', type: 'text', required: true, max_length: 20 },
	{ name: 'COUNT', type: 'number', integer: true, min: 1, max: 10, default: 3 },
	{ name: 'STAGE', type: 'choice', options: ['blue', 'green'], default: 'blue' },
	{ name: 'DAY', type: 'date' },
	{ name: 'ONLY', type: 'hosts' },
	{ name: 'TOKEN', type: 'secret', required: true },
	{ name: 'FLAG', type: 'text', allow_dash: true },
]);
const good = { VERSION: '1.2', TOKEN: 'vault:kv2/apps/shop#token' };

describe('parameters', () => {
	it('are filled in with defaults; secrets are apart from values', () => {
		expect(checkParameters(schema, good)).toEqual({
			values: { VERSION: '1.2', COUNT: '3', STAGE: 'blue' },
			secrets: { TOKEN: 'vault:kv2/apps/shop#token' },
			hosts: null,
			errors: [],
		});
	});

	it.each<[object, string, RegExp]>([
		[{}, 'parameters.VERSION', /required/],
		[{ VERSION: 'x'.repeat(21) }, 'parameters.VERSION', /at most 20/],
		[{ VERSION: '--force' }, 'parameters.VERSION', /dash/],
		[{ COUNT: '1.5' }, 'parameters.COUNT', /whole/],
		[{ COUNT: 11 }, 'parameters.COUNT', /not above 10/],
		[{ COUNT: 'Infinity' }, 'parameters.COUNT', /number/],
		[{ COUNT: '1; rm -rf /' }, 'parameters.COUNT', /number/],
		[{ STAGE: 'red' }, 'parameters.STAGE', /one of blue, green/],
		[{ DAY: '2026-02-30' }, 'parameters.DAY', /date/],
		[{ ONLY: '-v,web1' }, 'parameters.ONLY', /names of hosts/],
		[{ ONLY: 'web1 web2' }, 'parameters.ONLY', /names of hosts/],
		[{ TOKEN: 'hunter2' }, 'parameters.TOKEN', /env:NAME/],
		[{ OTHER: 'x' }, 'parameters.OTHER', /no parameter/],
	])('%j is refused, naming %s', (input, path, message) => {
		const { errors } = checkParameters(schema, { ...good, ...(Object.keys(input).length ? input : { VERSION: '' }) });
		expect(errors).toContainEqual({ path, message: expect.stringMatching(message) as string });
	});

	it('may begin with a dash only where that is declared', () => {
		expect(checkParameters(schema, { ...good, FLAG: '-v' }).values.FLAG).toBe('-v');
		expect(checkParameters(null, { FLAG: '-v' }).errors).toHaveLength(1);
		expect(checkParameters(null, { N: -5 }).errors).toHaveLength(1);
	});

	it('hosts are told apart, each once', () => {
		expect(checkParameters(schema, { ...good, ONLY: 'web1, web2,web1' }).hosts).toEqual(['web1', 'web2']);
	});

	it('whatever is taken is of its kind, and is taken again unchanged', () => {
		fc.assert(
			fc.property(fc.dictionary(fc.constantFrom(...schema.map((p) => p.name), '__proto__'), fc.string()), (input) => {
				const once = checkParameters(schema, input);
				if (once.errors.length > 0) return;
				const again = checkParameters(schema, { ...once.values, ...once.secrets });
				expect(again).toEqual(once);
				for (const [name, text] of Object.entries(once.values)) {
					const spec = schema.find((p) => p.name === name) as ParameterSpec;
					expect(valueError(spec, text)).toBeNull();
				}
			}),
		);
	});

	it.each([
		[[{ name: 'A', type: 'number', min: 5, max: 1 }]],
		[[{ name: 'A', type: 'choice', options: ['x'], default: 'y' }]],
		[[{ name: 'A', type: 'text', default: '-x' }]],
		[
			[
				{ name: 'A', type: 'text' },
				{ name: 'A', type: 'date' },
			],
		],
		[
			[
				{ name: 'A', type: 'hosts' },
				{ name: 'B', type: 'hosts' },
			],
		],
		[[{ name: 'A', type: 'secret', deliver: { as: 'argument' } }]],
		[[{ name: 'A', type: 'secret', deliver: { as: 'env' } }]],
		[[{ name: 'A', type: 'secret', deliver: { as: 'env', variable: 'PATH' } }]],
		[[{ name: 'A', type: 'secret', deliver: { as: 'env', variable: 'UHUB_RUN_MARK' } }]],
		[[{ name: 'A', type: 'secret', deliver: { as: 'env', variable: 'A=B' } }]],
		[[{ name: 'A', type: 'text', deliver: { as: 'file' } }]],
		[
			[
				{ name: 'A', type: 'secret', deliver: { as: 'stdin' } },
				{ name: 'B', type: 'secret', deliver: { as: 'stdin' } },
			],
		],
		[
			[
				{ name: 'A', type: 'secret', deliver: { as: 'env', variable: 'TF_VAR_a' } },
				{ name: 'B', type: 'secret', deliver: { as: 'env', variable: 'TF_VAR_a' } },
			],
		],
		[[{ name: '1A', type: 'text' }]],
		[[{ name: 'A', type: 'text', secret: true }]],
		[Array.from({ length: 51 }, (_, i) => ({ name: `A${String(i)}`, type: 'text' }))],
	])('the schema %j is refused', (wrong) => {
		expect(JobCreate.safeParse({ title: 'a', job_type: 'ops', parameters_schema: wrong }).success).toBe(false);
	});
});
