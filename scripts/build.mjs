// Makes build/ (the app, and what people may download), dist/local/ (the Worker for the local hub) and dist/uhub-agent.mjs and dist/uhub.mjs.
//
//   node scripts/build.mjs              what changed
//   node scripts/build.mjs worker agent these, if they changed
//   node scripts/build.mjs --force      everything
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAgent, buildCli, buildWorker } from './lib/bundles.mjs';
import { buildApp } from './lib/app-build.mjs';
import { buildFiles } from './lib/files.mjs';
import { PIECES, readRecord, stalePieces, writeRecord } from './lib/pieces.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const builders = { app: buildApp, worker: buildWorker, agent: buildAgent, cli: buildCli, files: buildFiles };

const names = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const unknown = names.find((name) => !(name in builders));
if (unknown) {
	console.error(`There is no piece "${unknown}": it is one of ${Object.keys(builders).join(', ')}.`);
	process.exit(1);
}
if (process.argv.includes('--force')) fs.rmSync(path.join(root, 'dist/built.json'), { force: true });

const wanted = PIECES.filter(({ name }) => names.length === 0 || names.includes(name));
for (const { piece, hash } of stalePieces(root, wanted)) {
	const started = performance.now();
	await builders[/** @type {keyof typeof builders} */ (piece.name)](root);
	writeRecord(root, { ...readRecord(root), [piece.name]: hash });
	console.log(`built ${piece.name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
