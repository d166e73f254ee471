import { describe, expect, it } from 'vitest';
import { completeLock, platformOf } from '../../scripts/fix-lock.mjs';
import { missingPackages } from '../../scripts/lib/debian.mjs';
import { readPlaywright, readVitest } from '../../scripts/lib/reports.mjs';

describe('the lockfile', () => {
	it('gets back the platform packages a mirror lacked, and loses the registry it came from', () => {
		const fixed = completeLock({
			'': {},
			'node_modules/tool': {
				version: '1.0.0',
				resolved: 'somewhere',
				dev: true,
				optionalDependencies: { '@tool/linux-x64-musl': '1.0.0', '@tool/darwin-arm64': '1.0.0', loose: '^2.0.0' },
			},
			'node_modules/@tool/darwin-arm64': { version: '1.0.0', optional: true },
		});
		expect(Object.keys(fixed)).toEqual([
			'',
			'node_modules/@tool/darwin-arm64',
			'node_modules/@tool/linux-x64-musl',
			'node_modules/tool',
		]);
		expect(fixed['node_modules/@tool/linux-x64-musl']).toEqual({
			version: '1.0.0',
			dev: true,
			optional: true,
			os: ['linux'],
			cpu: ['x64'],
			libc: ['musl'],
		});
		expect(fixed['node_modules/tool']).not.toHaveProperty('resolved');
	});
	it.each([
		['@esbuild/linux-arm64', { os: ['linux'], cpu: ['arm64'] }],
		['@cloudflare/workerd-windows-64', { os: ['win32'], cpu: ['x64'] }],
		['@rolldown/binding-linux-arm-gnueabihf', { os: ['linux'], cpu: ['arm'] }],
		['fsevents', {}],
	])('reads the platform off %s', (name, platform) => {
		expect(platformOf(name)).toEqual(platform);
	});
});

describe('what is said at the end', () => {
	it('names what failed, and a file that could not be loaded', () => {
		const red = { status: 'failed', fullName: 'runs once', failureMessages: ['\u001B[31mtwice\u001B[39m'] };
		expect(
			readVitest({
				numPassedTests: 3,
				testResults: [
					{ name: 'a.test.ts', status: 'failed', message: 'no such module', assertionResults: [] },
					{ name: 'b.test.ts', status: 'failed', assertionResults: [red, { status: 'passed' }] },
					{ name: 'c.test.ts', status: 'passed', assertionResults: [{ status: 'passed' }] },
				],
			}),
		).toEqual({
			passed: 3,
			faults: [
				{ test: 'a.test.ts', why: 'no such module' },
				{ test: 'b.test.ts: runs once', why: 'twice' },
			],
		});
	});
	it('calls a flaky test failed, and says the first lines of why', () => {
		const spec = (title: string, status: string) => ({
			file: 'run.spec.ts',
			title,
			tests: [{ status, results: [{ errors: [{ message: Array(40).fill(title).join('\n') }] }] }],
		});
		const { passed, faults } = readPlaywright({
			stats: { expected: 5 },
			suites: [
				{ specs: [spec('good', 'expected')], suites: [{ specs: [spec('flaky', 'flaky'), spec('red', 'unexpected')] }] },
			],
			errors: [{ message: 'no hub' }],
		});
		expect(passed).toBe(5);
		expect(faults.map(({ test }) => test)).toEqual(['e2e', 'run.spec.ts: flaky', 'run.spec.ts: red']);
		expect(faults[1]?.why.split('\n')).toHaveLength(12);
	});
	it('says in what a test ran out of time', () => {
		const errors = [
			{ message: 'Test timeout of 120000ms exceeded.' },
			{ message: 'page.click: still waiting', location: { file: 'run.spec.ts', line: 7, column: 3 } },
		];
		const specs = [{ file: 'run.spec.ts', title: 'slow', tests: [{ status: 'unexpected', results: [{ errors }] }] }];
		const { faults } = readPlaywright({ stats: { expected: 0 }, suites: [{ specs }] });
		expect(faults).toEqual([
			{
				test: 'run.spec.ts: slow',
				why: 'Test timeout of 120000ms exceeded.\npage.click: still waiting\n    at line 7',
			},
		]);
	});
});

it('names the Debian packages this machine lacks', () => {
	expect(missingPackages(() => true)).toEqual([]);
	expect(missingPackages(() => false)).toContain('chromium-headless-shell');
});
