// Runs every benchmark, one after the other: two at a time would measure each other.
//
//   npm run bench            all
//   npm run bench -- log     those whose name contains "log"
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const dir = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../tests/bench');
const filter = process.argv[2] ?? '';
const failed = [];
for (const name of fs
	.readdirSync(dir)
	.filter((file) => file.endsWith('.bench.ts') && file.includes(filter))
	.sort()) {
	console.log(`\n== ${name.replace('.bench.ts', '')}`);
	const { status } = spawnSync(process.execPath, [path.join(dir, name)], { stdio: 'inherit' });
	if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
	console.error(`\nfailed: ${failed.join(', ')}`);
	process.exit(1);
}
