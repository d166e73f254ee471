// What people approve, and what a run is bound to: everything that decides what it does, and nothing of this one run.
import { describe, expect, it } from 'vitest';
import { executionOf } from '#domain/backend.ts';
import { canonical, requestOf, type RunSpec } from '#protocol/run-spec.ts';
import { sha256, SpecBook } from '#tests/support/specs.ts';

const book = new SpecBook();
const spec: RunSpec = book.spec({ script: 'make' });
const hash = (over: Partial<RunSpec> = {}) => sha256(canonical(requestOf({ ...spec, ...over })));

describe('39: the hash of a request', () => {
	it.each<[string, Partial<RunSpec>]>([
		['another script', { steps: [book.step('make all')] }],
		['a script more', { steps: [...spec.steps, book.step('true')] }],
		['the same script by another tool', { steps: [book.step('make', { tool: 'custom' })] }],
		['another place', { execution: { backend: 'local', config: { cwd: '/srv' } } }],
		['another environment', { environment: 'prod' }],
		['a parameter', { parameters: { WHO: 'you' } }],
		['a secret', { secrets: { TOKEN: 'env:TOKEN' } }],
		['the reference of a secret parameter', { secret_parameters: { TOKEN: 'env:OTHER' } }],
		['the hosts it is aimed at', { hosts: ['web1'] }],
		['an argument', { arguments: ['--all'] }],
		['trying without changing', { check: true }],
		['a plan that it applies', { apply_plan: 'a'.repeat(64) }],
		['more time', { timeout_s: 61 }],
	])('is another for %s', (_, over) => {
		expect(hash(over)).not.toBe(hash());
	});

	it('is another for each plan', () => {
		expect(hash({ apply_plan: 'a'.repeat(64) })).not.toBe(hash({ apply_plan: 'b'.repeat(64) }));
	});

	it('is the same for the same again, whatever the order of its keys', () => {
		expect(hash({ run_id: spec.run_id + 1 })).toBe(hash());
		expect(hash({ parameters: { B: '2', A: '1' } })).toBe(hash({ parameters: { A: '1', B: '2' } }));
	});
});

describe('where a run takes place', () => {
	const nothing = { execution_backend: null, execution_backend_config: null };
	const [project, environment, job] = ['/p', '/e', '/j'].map((cwd) => ({
		execution_backend: 'local' as const,
		execution_backend_config: { cwd },
	}));

	it.each([
		[project, environment, job, environment],
		[project, nothing, job, project],
		[project, null, job, project],
		[nothing, environment, job, environment],
		[nothing, nothing, job, job],
		[nothing, null, nothing, nothing],
	])(
		'is its environment’s, else its project’s, else its job’s, whole (%#)',
		(ofProject, ofEnvironment, ofJob, expected) => {
			expect(executionOf(ofProject ?? nothing, ofEnvironment, ofJob ?? nothing)).toBe(expected);
		},
	);
});
