// What the test runners' reports say: how many tests passed, and which did not and why.
import { stripVTControlCharacters } from 'node:util';

/** @typedef {{test: string, why: string}} Fault */
/** @typedef {{passed: number, faults: Fault[]}} Outcome */

const MOST_LINES = 12;

/** The first lines of a message, without its colours. @param {string} message */
const brief = (message) => stripVTControlCharacters(message).split('\n').slice(0, MOST_LINES).join('\n');

/** Files that could not even be loaded are failures too, and no test of theirs is in the count. @param {any} report @returns {Outcome} */
export function readVitest(report) {
	/** @type {Fault[]} */
	const faults = report.testResults.flatMap((/** @type {any} */ file) => {
		if (file.status !== 'failed') return [];
		const failed = file.assertionResults.filter((/** @type {any} */ test) => test.status === 'failed');
		if (failed.length === 0) return [{ test: file.name, why: brief(file.message) }];
		return failed.map((/** @type {any} */ { fullName, failureMessages }) => ({
			test: `${file.name}: ${fullName}`,
			why: brief(failureMessages.join('\n')),
		}));
	});
	return { passed: report.numPassedTests, faults };
}

/** Of a test that ran out of time the first error says only so; the others, and their places, say in what. @param {any} error */
const told = ({ message = '', location }) => (location ? `${message}\n    at line ${location.line}` : message);

/** A flaky test is one that failed. @param {any} report @returns {Outcome} */
export function readPlaywright({ stats, suites = [], errors = [] }) {
	const faults = errors.map((/** @type {any} */ error) => ({ test: 'e2e', why: brief(error.message ?? '') }));
	const walk = (/** @type {any} */ suite) => {
		for (const { file, title, tests } of suite.specs ?? [])
			for (const { status, results } of tests)
				if (status === 'unexpected' || status === 'flaky')
					faults.push({
						test: `${file}: ${title}`,
						why: brief(results.flatMap((/** @type {any} */ result) => result.errors.map(told)).join('\n')),
					});
		for (const inner of suite.suites ?? []) walk(inner);
	};
	for (const suite of suites) walk(suite);
	return { passed: stats.expected, faults };
}
