// A backup is a directory: the data directory's files as they were at one moment, and a manifest that was written last.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Failure } from './failure.mjs';

const FORMAT = 1;
const MANIFEST = 'manifest.json';
/** What makes a hub itself; the rest of a data directory is made anew at each start. */
const PARTS = ['objects', 'd1', 'r2', 'cron', 'agent', 'secret', 'demo-password', 'demo-password.chosen'];

/** @typedef {{path: string, size: number, sha256: string}} BackedUp */
/** @typedef {{format: number, version: string, migrations: string[], made_at: string, files: BackedUp[]}} Manifest */

/** @param {string} file */
const sha256 = (file) => {
	const hash = createHash('sha256');
	const handle = fs.openSync(file, 'r');
	const buffer = Buffer.allocUnsafe(1_048_576);
	try {
		for (let n; (n = fs.readSync(handle, buffer)) > 0;) hash.update(buffer.subarray(0, n));
	} finally {
		fs.closeSync(handle);
	}
	return hash.digest('hex');
};

/** The files below, without sockets, and without SQLite's shared memory, which it makes anew. @param {string} root @param {string} [at] @returns {string[]} */
export function filesIn(root, at = '') {
	return fs.readdirSync(path.join(root, at), { withFileTypes: true }).flatMap((entry) => {
		const name = path.posix.join(at, entry.name);
		if (entry.isDirectory()) return filesIn(root, name);
		return entry.isFile() && !name.endsWith('-shm') ? [name] : [];
	});
}

/** @param {string} dataDir */
const partsOf = (dataDir) =>
	PARTS.flatMap((part) => {
		const stat = fs.statSync(path.join(dataDir, part), { throwIfNoEntry: false });
		if (!stat) return [];
		return stat.isDirectory() ? filesIn(dataDir, part) : [part];
	});

/** @param {string} from @param {string} to @param {string} name */
function copy(from, to, name) {
	fs.mkdirSync(path.join(to, path.dirname(name)), { recursive: true, mode: 0o700 });
	fs.copyFileSync(path.join(from, name), path.join(to, name), fs.constants.COPYFILE_FICLONE);
}

/** Copies everything; what writes to it must be still. @param {string} dataDir @param {string} target */
export function copyAll(dataDir, target) {
	for (const name of partsOf(dataDir)) copy(dataDir, target, name);
}

/** Says what is in the backup; only with this it is one. @param {string} target @param {Pick<Manifest, 'version' | 'migrations' | 'made_at'>} about */
export function seal(target, about) {
	const files = filesIn(target)
		.sort()
		.map((name) => {
			const file = path.join(target, name);
			return { path: name, size: fs.statSync(file).size, sha256: sha256(file) };
		});
	const draft = path.join(target, `${MANIFEST}.draft`);
	fs.writeFileSync(draft, `${JSON.stringify({ format: FORMAT, ...about, files }, null, '\t')}\n`, { mode: 0o600 });
	fs.renameSync(draft, path.join(target, MANIFEST));
	return files;
}

/** @param {unknown} value @returns {value is BackedUp} */
function isBackedUp(value) {
	if (typeof value !== 'object' || value === null) return false;
	if (!('path' in value && 'size' in value && 'sha256' in value) || typeof value.path !== 'string') return false;
	const [part = ''] = value.path.split('/');
	return PARTS.includes(part) && path.posix.normalize(value.path) === value.path && !value.path.includes('\0');
}

/**
 * Whether this hub can take the backup up; says why not.
 * @param {string} source
 * @param {string[]} known the migrations of this version
 * @returns {Manifest}
 */
export function readManifest(source, known) {
	const file = path.join(source, MANIFEST);
	if (!fs.existsSync(file))
		throw new Failure(`${source} is no backup, or one that was not finished: it has no ${MANIFEST}.`);
	/** @type {Manifest} */
	let manifest;
	try {
		manifest = JSON.parse(fs.readFileSync(file, 'utf8'));
	} catch {
		throw new Failure(`${file} cannot be read.`);
	}
	if (manifest?.format !== FORMAT || !Array.isArray(manifest.migrations) || !Array.isArray(manifest.files))
		throw new Failure(`${file} is of a form that this version does not know.`);
	const foreign = manifest.migrations.filter((name) => !known.includes(name));
	if (foreign.length > 0)
		throw new Failure(
			`This backup is of a newer uHub (${manifest.version}): this one does not know ${foreign.join(', ')}. Update first.`,
		);
	const wrong = manifest.files.find((entry) => !isBackedUp(entry));
	if (wrong) throw new Failure(`${file} names a file that no hub has: ${JSON.stringify(wrong).slice(0, 200)}.`);
	return manifest;
}

/**
 * Puts the backup where an empty directory is, or nothing; all of it or nothing of it.
 * @param {string} source
 * @param {string} dataDir
 * @param {Manifest} manifest
 */
export function restoreInto(source, dataDir, manifest) {
	if (fs.existsSync(dataDir) && fs.readdirSync(dataDir).length > 0)
		throw new Failure(`${dataDir} is not empty: move it away, or set UHUB_DATA_DIR to another place.`);
	fs.mkdirSync(path.dirname(dataDir), { recursive: true });
	const draft = `${dataDir}.restoring-${process.pid}`;
	try {
		fs.mkdirSync(draft, { mode: 0o700 });
		for (const { path: name, sha256: expected } of manifest.files) {
			if (!fs.lstatSync(path.join(source, name), { throwIfNoEntry: false })?.isFile())
				throw new Failure(`The backup lacks ${name}.`);
			copy(source, draft, name);
			if (sha256(path.join(draft, name)) !== expected) throw new Failure(`${name} is not as it was backed up.`);
		}
		// Fails when somebody put something there meanwhile.
		if (fs.existsSync(dataDir)) fs.rmdirSync(dataDir);
		fs.renameSync(draft, dataDir);
	} finally {
		fs.rmSync(draft, { recursive: true, force: true });
	}
}
