import { defineConfig } from '@playwright/test';
import { chromium } from './scripts/lib/chromium.mjs';

export default defineConfig({
	testDir: 'tests/e2e',
	outputDir: 'test-results',
	globalSetup: './tests/support/e2e-setup.ts',
	// One browser and one hub: two cores are what a laptop on battery or a small runner has.
	workers: 1,
	timeout: 120_000,
	// Tests wait on conditions; how long one takes depends on the machine and what else it does.
	expect: { timeout: 15_000 },
	reporter: 'list',
	use: {
		// What hangs says itself where, before the test's own time is over.
		actionTimeout: 60_000,
		viewport: { width: 1280, height: 900 },
		// A trace of each takes a third of the time: ask for one with `--trace on`.
		screenshot: 'only-on-failure',
		launchOptions: {
			executablePath: chromium(),
			args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
		},
	},
});
