// docs/tour.md, line by line: what stands there works.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startHub, type TestHub } from '#tests/support/hub.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
let hub: TestHub;

beforeAll(async () => {
	hub = await startHub({ agent: false });
});

afterAll(async () => {
	await hub.stop();
});

it('the tour in the docs goes from nothing to a finished run', async () => {
	const told = readFileSync(path.join(ROOT, 'docs/tour.md'), 'utf8');
	const lines = [...told.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('\n');
	const env = {
		...process.env,
		PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH ?? ''}`,
		HUB: hub.url,
		USERNAME: 'admin',
		PASSWORD: hub.password,
	};
	const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', lines], { cwd: ROOT, env });
	expect(stdout.split('\n')).toEqual(expect.arrayContaining(['admin', 'success', 'hello world']));
});
