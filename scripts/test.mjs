// `npm test`: installs what the tests need, runs every suite, ends with what failed and one line that counts.
//
//   npm test               everything
//   npm test -- worker e2e these suites (and `check` for the static ones)
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import { installPackages } from './lib/debian.mjs';
import { Failure } from './lib/failure.mjs';
import { hasTests, runSuite } from './lib/run-suite.mjs';
import { CHECKS, SUITES } from './lib/suites.mjs';
import { prepareTools } from './lib/tools.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const wanted = process.argv.slice(2);
const isWanted = (/** @type {import('./lib/suites.mjs').Suite} */ suite) =>
	wanted.length === 0 ||
	wanted.some((name) => suite.name === name || suite.name.startsWith(`${name} `)) ||
	(CHECKS.includes(suite) && wanted.includes('check'));

async function prepare() {
	const node = await prepareTools(root);
	const missing =
		wanted.every((name) => ['check', 'unit', 'worker'].includes(name)) && wanted.length > 0 ? [] : installPackages();
	if (missing.length > 0) console.log(`Not on this machine: ${missing.join(', ')}. Tests that need them say so.`);
	// Checks and suites read what the build makes: the app's messages, the agent's bundle, the pages.
	if (spawnSync(node, [path.join(root, 'scripts/build.mjs')], { cwd: root, stdio: 'inherit' }).status !== 0)
		throw new Failure('The build failed.');
	return { node, missing };
}

/** Each of them waits now and then, for a browser, a disk, a program: on two cores three at a time take little longer than two. */
const LANES = 3;

let passed = 0;
/** What was not run, and why. @type {string[]} */
const skipped = [];
/** @type {import('./lib/reports.mjs').Fault[]} */
const faults = [];
try {
	const { node, missing } = await prepare();
	const suites = SUITES.filter((suite) => isWanted(suite) && (!suite.tests || hasTests(root, suite.tests)));
	const told = suites.length > 1 ? 'whole' : 'live';
	const lane = async () => {
		for (let suite = suites.shift(); suite; suite = suites.shift()) {
			if (suite.counts === 'playwright' && missing.includes('chromium-headless-shell')) {
				const why = 'there is no Chromium (the Debian package, or its path in CHROMIUM)';
				// Where nobody reads it, what was not run would pass for what passed.
				if (process.env.CI) faults.push({ test: suite.name, why: `was not run: ${why}` });
				else skipped.push(`${suite.name} was not run: ${why}`);
				continue;
			}
			console.log(`${suite.name} …`);
			const begun = Date.now();
			const outcome = await runSuite(root, node, suite, told);
			passed += outcome.passed;
			faults.push(...outcome.faults);
			const seconds = Math.round((Date.now() - begun) / 1000);
			console.log(`${suite.name}: ${outcome.passed} passed, ${outcome.faults.length} failed, ${seconds} s`);
		}
	};
	await Promise.all(Array.from({ length: LANES }, lane));
} catch (error) {
	console.error(error instanceof Failure ? error.message : error);
	faults.push({ test: 'npm test', why: 'could not go on: see above' });
}
for (const { test, why } of faults) console.log(`\nFAILED ${test}\n${why}`);
for (const line of skipped) console.log(`\nSKIPPED ${line}`);
const not_run = skipped.length === 0 ? '' : `, ${skipped.length} of the suites skipped`;
console.log(`\n${passed} passed, ${faults.length} failed${not_run}`);
process.exit(faults.length === 0 ? 0 : 1);
