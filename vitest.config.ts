import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

// Miniflare would otherwise ask the network what `request.cf` looks like.
process.env.CLOUDFLARE_CF_FETCH_ENABLED ??= 'false';
// The secret wrangler.toml asks for.
process.env.UHUB_SECRET ??= 'a-secret-for-tests-of-at-least-32-characters';

const MINUTE = 60_000;
/** What is polled for comes soon; how soon is the machine's affair. Who asks more often keeps it from coming. */
const patient = { poll: { timeout: MINUTE / 2, interval: 100 } };

/** Tests that run in workerd, over a real D1 and real objects. */
const worker: TestProjectInlineConfiguration = {
	plugins: [
		cloudflareTest(async () => ({
			wrangler: { configPath: './wrangler.toml' },
			miniflare: {
				bindings: {
					UHUB_PUBLIC_URL: 'http://hub.test',
					TEST_MIGRATIONS: await readD1Migrations('./migrations'),
					...(process.env.FUZZ_SEED && { FUZZ_SEED: process.env.FUZZ_SEED }),
					...(process.env.FUZZ_RUNS && { FUZZ_RUNS: process.env.FUZZ_RUNS }),
				},
			},
		})),
	],
	test: {
		name: 'worker',
		// Empties the hub for each file, which takes a tenth of starting another runtime.
		isolate: false,
		setupFiles: ['tests/worker/setup.ts'],
		include: ['tests/worker/**/*.test.ts'],
		expect: patient,
		testTimeout: 3 * MINUTE,
	},
};

export default defineConfig({
	test: {
		// Always in one order: with what earlier runs took, files that share a process would find another one each time.
		cache: false,
		projects: [
			// Properties over many cases: how long they take is the machine's affair.
			{
				test: {
					name: 'unit',
					isolate: false,
					environment: 'node',
					include: ['tests/unit/**/*.test.ts'],
					expect: patient,
					testTimeout: 3 * MINUTE,
				},
			},
			worker,
			// Real programs on this machine: docker, sshd, hubs. One file at a time, or they would take each other's turn.
			{
				test: {
					name: 'agent',
					isolate: false,
					environment: 'node',
					include: ['tests/agent/**/*.test.ts'],
					fileParallelism: false,
					expect: patient,
					testTimeout: 3 * MINUTE,
					hookTimeout: 3 * MINUTE,
				},
			},
			{
				test: {
					name: 'faults',
					isolate: false,
					environment: 'node',
					include: ['tests/faults/**/*.test.ts'],
					fileParallelism: false,
					expect: patient,
					testTimeout: 5 * MINUTE,
					hookTimeout: 5 * MINUTE,
				},
			},
		],
	},
});
