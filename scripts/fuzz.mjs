// `npm run fuzz -- [SEED] [RUNS]`: the test that asks every operation with hostile values, with this seed (by default a new one)
// and so many requests each (by default 300).
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnSync } from 'node:child_process';
import { prepareTools } from './lib/tools.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const [seed = String(Date.now() % 2 ** 31), runs = '300'] = process.argv.slice(2);
if (![seed, runs].every((number) => /^[0-9]{1,9}$|^[12][0-9]{9}$/.test(number))) {
	console.error('A seed and a number of runs are whole numbers: npm run fuzz -- 42 1000');
	process.exit(1);
}
console.log(`seed ${seed}, ${runs} requests to each operation`);
const { status } = spawnSync(
	await prepareTools(root),
	['node_modules/vitest/vitest.mjs', 'run', '--project', 'worker', 'tests/worker/api-fuzz.test.ts'],
	{ cwd: root, stdio: 'inherit', env: { ...process.env, FUZZ_SEED: seed, FUZZ_RUNS: runs } },
);
process.exit(status ?? 1);
