import { describe, expect, it } from 'vitest';
import { completeLock, platformOf } from '../../scripts/fix-lock.mjs';
import { missingPackages } from '../../scripts/lib/debian.mjs';
import { countPlaywright, countVitest } from '../../scripts/lib/run-suite.mjs';

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

describe('the count at the end', () => {
	it('counts a file that could not be loaded', () => {
		const failing = [{ status: 'failed' }, { status: 'passed' }];
		expect(
			countVitest({
				numPassedTests: 3,
				numFailedTests: 1,
				testResults: [
					{ status: 'failed', assertionResults: [] },
					{ status: 'failed', assertionResults: failing },
					{ status: 'passed', assertionResults: [{ status: 'passed' }] },
				],
			}),
		).toEqual({ passed: 3, failed: 2 });
	});
	it('calls a flaky test failed', () => {
		expect(countPlaywright({ stats: { expected: 5, unexpected: 1, flaky: 1 }, errors: [{}] })).toEqual({
			passed: 5,
			failed: 3,
		});
	});
});

it('names the Debian packages this machine lacks', () => {
	expect(missingPackages(() => true)).toEqual([]);
	expect(missingPackages(() => false)).toContain('chromium');
});
