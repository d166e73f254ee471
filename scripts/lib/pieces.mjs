// What the build makes, what each piece is made from, and whether it must be made again.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/**
 * @typedef {object} Piece
 * @property {string} name
 * @property {string[]} sources files and directories
 * @property {string[]} results what must exist for the piece to count as made
 */

const SHARED = ['domain', 'protocol', 'package.json', 'package-lock.json', 'scripts/build.mjs'];
const APP = [
	'app',
	'client',
	'messages',
	'project.inlang',
	'vite.config.ts',
	'scripts/vite',
	'scripts/lib/app-build.mjs',
	...SHARED,
];
const CLI = ['cli', 'client', 'scripts/lib/bundles.mjs', ...SHARED];
const AGENT = ['agent', 'scripts/lib/bundles.mjs', ...SHARED];

/** @type {Piece[]} */
export const PIECES = [
	{
		name: 'app',
		sources: APP,
		results: ['build/index.html'],
	},
	{
		name: 'worker',
		sources: ['worker', 'durable', 'scripts/lib/bundles.mjs', ...SHARED],
		results: ['dist/local/hub.js', 'dist/local/assets.js'],
	},
	{ name: 'agent', sources: AGENT, results: ['dist/uhub-agent.mjs'] },
	{ name: 'cli', sources: CLI, results: ['dist/uhub.mjs'] },
	// Made of what the others made, so after them.
	{
		name: 'files',
		sources: [...APP, ...AGENT, ...CLI, 'scripts/lib/files.mjs'],
		results: ['build/downloads/uhub-agent.mjs', 'build/downloads/uhub.mjs', 'dist/local/assets.json'],
	},
];

// Made by the build itself, or by tools beside it.
const GENERATED = new Set([
	'node_modules',
	'.svelte-kit',
	'paraglide',
	'cache',
	'.gitignore',
	'.meta.json',
	'README.md',
]);

/** @param {string} root @param {string} directory @returns {string[]} */
const filesIn = (root, directory) =>
	fs
		.readdirSync(path.join(root, directory), { withFileTypes: true })
		.filter(({ name }) => !GENERATED.has(name))
		.flatMap((entry) => {
			const relative = `${directory}/${entry.name}`;
			return entry.isDirectory() ? filesIn(root, relative) : [relative];
		});

/** @param {string} root @param {string} source @returns {string[]} */
function filesOf(root, source) {
	const stat = fs.statSync(path.join(root, source), { throwIfNoEntry: false });
	if (!stat) return [];
	return stat.isDirectory() ? filesIn(root, source) : [source];
}

/**
 * The content's hash, not the time's: a checkout touches every file and changes none.
 * @param {string} root
 * @param {Piece} piece
 * @param {Map<string, string>} [known] by source: pieces share most of them
 */
export function hashOf(root, piece, known = new Map()) {
	const all = createHash('sha256');
	for (const source of new Set(piece.sources)) {
		const hash = known.get(source) ?? hashOfSource(root, source);
		known.set(source, hash);
		all.update(`${source}\0${hash}\0`);
	}
	return all.digest('hex');
}

/** @param {string} root @param {string} source */
function hashOfSource(root, source) {
	const hash = createHash('sha256');
	for (const file of filesOf(root, source).sort())
		hash
			.update(`${file}\0`)
			.update(fs.readFileSync(path.join(root, file)))
			.update('\0');
	return hash.digest('hex');
}

/** @param {string} root */
const recordFile = (root) => path.join(root, 'dist/built.json');

/** @param {string} root @returns {Record<string, string>} */
export function readRecord(root) {
	try {
		return JSON.parse(fs.readFileSync(recordFile(root), 'utf8'));
	} catch {
		return {};
	}
}

/** @param {string} root @param {Record<string, string>} record */
export function writeRecord(root, record) {
	fs.mkdirSync(path.dirname(recordFile(root)), { recursive: true });
	fs.writeFileSync(recordFile(root), JSON.stringify(record, null, '\t'));
}

/** @param {string} root @param {Piece[]} [pieces] @returns {{piece: Piece, hash: string}[]} */
export function stalePieces(root, pieces = PIECES) {
	const record = readRecord(root);
	const known = new Map();
	return pieces
		.map((piece) => ({ piece, hash: hashOf(root, piece, known) }))
		.filter(
			({ piece, hash }) =>
				record[piece.name] !== hash || !piece.results.every((result) => fs.existsSync(path.join(root, result))),
		);
}
