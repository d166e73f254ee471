// Everything `npm test` runs, three at a time and in this order: the longest first, so that none is left alone at the end, and never
// more than two browsers at once.

/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} script of a package, run with the tools' Node
 * @property {string[]} args
 * @property {'exit' | 'vitest' | 'playwright'} counts how its result is told
 * @property {string} [tests] the folder that must hold tests for it to run
 */

/** @param {string} name @param {string} script @param {string[]} args @returns {Suite} */
const check = (name, script, args) => ({ name, script, args, counts: 'exit' });

/** The compiler written for the machine; one thread does it in half the processor's time of many. */
const TSC = 'node_modules/@typescript/native/bin/tsc';
const typesOf = (/** @type {string} */ project) => ['--project', project, '--singleThreaded'];

/** @type {Suite[]} */
export const CHECKS = [
	check('generated types of the app', 'node_modules/@sveltejs/kit/svelte-kit.js', ['sync']),
	check('lint', 'node_modules/eslint/bin/eslint.js', ['.']),
	check('format', 'node_modules/prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']),
	check('generated types of the bindings', 'node_modules/wrangler/bin/wrangler.js', [
		'types',
		'--strict-vars=false',
		'--check',
	]),
	...['domain', 'worker', 'agent', 'cli', 'scripts'].map((room) => check(`types of ${room}`, TSC, typesOf(room))),
	check('types of e2e', TSC, typesOf('tests/e2e')),
	check('types of app', 'node_modules/svelte-check/bin/svelte-check', [
		'--tsconfig',
		'app/tsconfig.json',
		'--fail-on-warnings',
	]),
];

/** @param {string} name a project of vitest.config.ts @param {string} [tests] @returns {Suite} */
const vitest = (name, tests = `tests/${name}`) => ({
	name,
	script: 'node_modules/vitest/vitest.mjs',
	args: ['run', '--project', name],
	counts: 'vitest',
	tests,
});

export const UNIT = vitest('unit');

/** One of the parts, each with a browser and a hub of its own. @param {string} part as `1/2` @returns {Suite} */
const e2e = (part) => ({
	name: `e2e ${part}`,
	script: 'node_modules/@playwright/test/cli.js',
	args: ['test', `--shard=${part}`, `--output=test-results/${part}`],
	counts: 'playwright',
	tests: 'tests/e2e',
});

export const SUITES = [
	vitest('faults'),
	e2e('1/3'),
	vitest('worker'),
	vitest('agent'),
	e2e('2/3'),
	e2e('3/3'),
	UNIT,
	...CHECKS,
];
