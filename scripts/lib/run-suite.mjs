// Runs one suite and counts what passed and what failed.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** @typedef {{passed: number, failed: number}} Count */

/** Files that could not even be loaded are failures too, and no test of theirs is in the count. @param {any} report @returns {Count} */
export function countVitest(report) {
	const broken = report.testResults.filter(
		(/** @type {any} */ file) =>
			file.status === 'failed' && file.assertionResults.every((/** @type {any} */ test) => test.status !== 'failed'),
	);
	return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length };
}

/** A flaky test is one that failed. @param {any} report @returns {Count} */
export function countPlaywright({ stats, errors = [] }) {
	return { passed: stats.expected, failed: stats.unexpected + stats.flaky + errors.length };
}

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
 * @returns {Promise<Count>}
 */
export async function runSuite(root, node, { name, script, args, counts }, told) {
	const report = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'uhub-report-')), `${name}.json`);
	const reporters = {
		exit: [],
		vitest: ['--reporter=default', '--reporter=json', `--outputFile=${report}`],
		playwright: ['--reporter=list,json'],
	};
	const child = spawn(node, [path.join(root, script), ...args, ...reporters[counts]], {
		cwd: root,
		stdio: told === 'live' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
		env: {
			...process.env,
			// Tools that start `node` by name must get this one too.
			PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
			PLAYWRIGHT_JSON_OUTPUT_NAME: report,
			WRANGLER_SEND_METRICS: 'false',
		},
	});
	/** @type {Buffer[]} */
	const said = [];
	for (const pipe of [child.stdout, child.stderr]) pipe?.on('data', (bytes) => said.push(bytes));
	const code = await new Promise((resolve) => child.once('close', resolve));
	if (told === 'whole') process.stdout.write(Buffer.concat([Buffer.from(`\n== ${name}\n`), ...said]));
	const count = counts === 'exit' ? { passed: 1, failed: 0 } : readReport(report, counts);
	fs.rmSync(path.dirname(report), { recursive: true });
	// A suite that ends badly has failed, also when it counted no failure or wrote no report.
	if (code === 0) return count;
	return { passed: counts === 'exit' ? 0 : count.passed, failed: Math.max(1, count.failed) };
}

/** @param {string} file @param {'vitest' | 'playwright'} counts @returns {Count} */
function readReport(file, counts) {
	if (!fs.existsSync(file)) return { passed: 0, failed: 1 };
	const report = JSON.parse(fs.readFileSync(file, 'utf8'));
	return counts === 'vitest' ? countVitest(report) : countPlaywright(report);
}
