// Runs one suite and says what came of it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { readPlaywright, readVitest } from './reports.mjs';

/** @typedef {import('./reports.mjs').Outcome} Outcome */

/** Linters, compilers and test runners leave much behind at once: with more room for it a linter takes a sixth less. What they test has Node's own. */
const YOUNG_MB = '--max-semi-space-size=64';

/** @param {string} root @param {string} dir */
export const hasTests = (root, dir) =>
	fs.existsSync(path.join(root, dir)) &&
	fs
		.readdirSync(path.join(root, dir), { recursive: true, encoding: 'utf8' })
		.some((file) => /\.(test|spec)\.ts$/.test(file));

/**
 * @param {string} root
 * @param {string} node
 * @param {import('./suites.mjs').Suite} suite
 * @param {'live' | 'whole'} told as it comes, or all of it at the end: of two that run at once, each is told whole
 * @returns {Promise<Outcome>}
 */
export async function runSuite(root, node, { name, script, args, counts }, told) {
	const report = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'uhub-report-')), 'report.json');
	const reporters = {
		exit: [],
		vitest: ['--reporter=default', '--reporter=json', `--outputFile=${report}`],
		playwright: ['--reporter=list,json'],
	};
	const child = spawn(node, [YOUNG_MB, path.join(root, script), ...args, ...reporters[counts]], {
		cwd: root,
		stdio: told === 'live' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
		env: {
			...process.env,
			// Tools that start `node` by name must get this one too.
			PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
			// Hundreds of agents and commands start: each finds itself compiled.
			NODE_COMPILE_CACHE: path.join(root, 'node_modules/.cache/compiled'),
			PLAYWRIGHT_JSON_OUTPUT_NAME: report,
			WRANGLER_SEND_METRICS: 'false',
		},
	});
	/** @type {Buffer[]} */
	const said = [];
	for (const pipe of [child.stdout, child.stderr]) pipe?.on('data', (bytes) => said.push(bytes));
	const code = await new Promise((resolve) => child.once('close', resolve));
	if (told === 'whole') process.stdout.write(Buffer.concat([Buffer.from(`\n== ${name}\n`), ...said]));
	const outcome = counts === 'exit' ? { passed: 1, faults: [] } : readReport(report, counts);
	fs.rmSync(path.dirname(report), { recursive: true });
	if (code === 0 || outcome.faults.length > 0) return outcome;
	// A suite that ends badly has failed, also when it counted no failure or wrote no report.
	return {
		passed: counts === 'exit' ? 0 : outcome.passed,
		faults: [{ test: name, why: `ended with ${code}: see what it said above` }],
	};
}

/** @param {string} file @param {'vitest' | 'playwright'} counts @returns {Outcome} */
function readReport(file, counts) {
	if (!fs.existsSync(file)) return { passed: 0, faults: [] };
	const report = JSON.parse(fs.readFileSync(file, 'utf8'));
	return counts === 'vitest' ? readVitest(report) : readPlaywright(report);
}
