import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExecutionBackend } from '#domain/backend.ts';
import { executionErrors } from '#domain/backend-config.ts';
import { draftErrors, draftOf, errorAt, executionIn, fieldsOf } from '#lib/backend/fields.ts';
import { backendMessage, fieldWords } from '#lib/backend/words.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const env = fc.dictionary(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/), fc.string({ maxLength: 20 }), {
	minKeys: 1,
	maxKeys: 4,
});
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const resources = maybe(fc.record({ cpu: fc.constantFrom('250m', '1.5'), memory: fc.constantFrom('512Mi', '2Gi') }));
const secret = fc.constantFrom('env:KEY', 'vault:kv2/kv/key#value', 'file:/run/key');
const port = fc.integer({ min: 1, max: 65_535 });
const memory_mib = fc.integer({ min: 16, max: 1_048_576 });
const pids = fc.integer({ min: 4, max: 65_536 });

/** Configurations of each backend that are whole. */
const configs: Record<ExecutionBackend, fc.Arbitrary<Record<string, unknown>>> = {
	local: fc.record({
		cwd: maybe(word.map((w) => `/srv/${w}`)),
		env: maybe(env),
		limits: maybe(fc.record({ cpus: fc.constantFrom(0.5, 2), memory_mib, pids })),
	}),
	docker: fc.record({
		image: word.map((w) => `${w}/tool:1`),
		cpus: maybe(fc.constantFrom(0.5, 2)),
		memory_mib: maybe(memory_mib),
		network: maybe(fc.constantFrom('none', 'bridge')),
		user: maybe(fc.constantFrom('1000:1000', 'nobody')),
		writable_root: maybe(fc.constant(true)),
		env: maybe(env),
	}),
	ssh: fc.record({
		hosts: maybe(fc.uniqueArray(word, { minLength: 1, maxLength: 5 })),
		user: word,
		port: maybe(port),
		key_ref: secret,
		passphrase_ref: maybe(secret),
		jump: maybe(fc.record({ host: word, port })),
		parallel: maybe(fc.integer({ min: 1, max: 100 })),
	}),
	k8s: fc.record({
		cluster: word,
		namespace: word,
		image: word,
		requests: resources,
		limits: resources,
		writable_root: maybe(fc.constant(true)),
		env: maybe(env),
	}),
	webhook: fc.record({
		url: word.map((w) => `https://${w}.example.org/hook`),
		via: maybe(fc.constant('hub')),
		method: maybe(fc.constantFrom('POST', 'PUT')),
		headers: maybe(fc.dictionary(fc.constantFrom('x-team', 'accept'), word, { minKeys: 1 })),
		secret_ref: fc.constantFrom('hub:key', 'hub:deploy.1'),
		expected_status: maybe(fc.integer({ min: 100, max: 599 })),
	}),
	serverless: fc.record({
		provider: fc.constantFrom('lambda', 'workers'),
		url: fc.constant('https://fn1.lambda-url.us-east-1.on.aws/'),
		secret_ref: fc.constantFrom('hub:key', 'hub:deploy.1'),
		timeout_s: maybe(fc.integer({ min: 1, max: 3600 })),
		callback: maybe(fc.constant(true)),
	}),
};
const said = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('the form of a backend', () => {
	it.each(ExecutionBackend.options)('%s: gives back what it was given', (execution_backend) => {
		fc.assert(
			fc.property(configs[execution_backend], (made) => {
				const config = said(made) as Record<string, unknown>;
				const execution = {
					execution_backend,
					execution_backend_config: Object.keys(config).length === 0 ? null : config,
				};
				expect(executionErrors(execution, null)).toEqual([]);
				const draft = draftOf(execution);
				expect(executionIn(draft)).toEqual(execution);
				expect(draftErrors(draft)).toEqual({});
			}),
		);
	});

	it.each(ExecutionBackend.options)('%s: every key of its schema is a field with a name', (backend) => {
		const fields = fieldsOf(backend);
		expect(fields.length).toBeGreaterThan(0);
		for (const { path } of fields) expect(fieldWords(backend, path), path).not.toBeNull();
	});

	it('whatever is typed, what is wrong stands at a field that is shown', () => {
		const texts = fc.dictionary(
			fc.constantFrom(...ExecutionBackend.options.flatMap((b) => fieldsOf(b).map(({ path }) => path))),
			fc.oneof(fc.string(), fc.constantFrom('-1', '1e9', 'NaN', '9', 'https://127.0.0.1/', '__proto__')),
		);
		const pair = fc.record({
			name: fc.oneof(fc.string(), fc.constantFrom('A', '__proto__', 'Authorization')),
			value: fc.string(),
		});
		fc.assert(
			fc.property(fc.constantFrom(...ExecutionBackend.options), texts, fc.array(pair), (backend, text, pairs) => {
				const draft = { backend, text, pairs: { env: pairs, headers: pairs } };
				const errors = draftErrors(draft);
				const fields = fieldsOf(backend);
				for (const path of Object.keys(errors))
					expect(
						fields.some(
							(field) =>
								path === `execution_backend_config.${field.path}` ||
								path.startsWith(`execution_backend_config.${field.path}.`),
						),
						path,
					).toBe(true);
				if (Object.keys(errors).length === 0) expect(executionErrors(executionIn(draft), null)).toEqual([]);
			}),
		);
	});

	it('does not lose a name that is there twice, and says why a name is wrong', () => {
		const twice = {
			backend: 'local',
			text: {},
			pairs: {
				env: [
					{ name: 'A', value: '1' },
					{ name: 'A ', value: '2' },
				],
			},
		} as const;
		const draft = { ...twice, text: {}, pairs: { env: [...twice.pairs.env] } };
		expect(errorAt(draftErrors(draft), 'env')).toEqual({ at: 'A', message: 'is there twice' });
		const bad = { ...draft, pairs: { env: [{ name: '1A', value: '' }] } };
		const error = errorAt(draftErrors(bad), 'env');
		expect(error?.at).toBe('1A');
		expect(backendMessage(error?.message ?? '')).toBe('Letters, digits and _, not beginning with a digit.');
	});

	it('a number that is none is told as that', () => {
		const draft = { backend: 'docker' as const, text: { image: 'a', cpus: 'two' }, pairs: {} };
		expect(backendMessage(errorAt(draftErrors(draft), 'cpus')?.message ?? '')).toBe('Must be a number.');
	});
});
