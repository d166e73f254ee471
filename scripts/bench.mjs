// Runs every benchmark, one after the other: two at a time would measure each other.
//
//   npm run bench            all
//   npm run bench -- log     those whose name contains "log"
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from './lib/failure.mjs';
import { prepareTools } from './lib/tools.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const dir = path.join(root, 'tests/bench');
const filter = process.argv[2] ?? '';

async function main() {
	const node = await prepareTools(root);
	const names = fs.readdirSync(dir).filter((file) => file.endsWith('.bench.ts') && file.includes(filter));
	if (names.length === 0) throw new Failure(`there is no benchmark whose name contains "${filter}".`);
	const failed = names.sort().filter((name) => {
		console.log(`\n== ${name.replace('.bench.ts', '')}`);
		return spawnSync(node, [path.join(dir, name)], { stdio: 'inherit' }).status !== 0;
	});
	if (failed.length > 0) throw new Failure(`failed: ${failed.join(', ')}`);
}

main().catch((error) => {
	console.error(error instanceof Failure ? `\n${error.message}` : error);
	process.exit(1);
});
