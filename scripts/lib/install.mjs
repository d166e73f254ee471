// Installs the packages of package-lock.json when they are missing or of another lockfile.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Failure } from './failure.mjs';
import { isNewEnough } from './settings.mjs';

/** @typedef {Record<string, {version?: string, optional?: boolean, link?: boolean}>} LockedPackages */

/**
 * Whether what npm recorded in node_modules is what the lockfile asks for. Optional packages may be missing: most are
 * for other platforms.
 * @param {LockedPackages} locked
 * @param {LockedPackages} recorded
 */
export const isSameInstallation = (locked, recorded) =>
	Object.entries(locked).every(
		([where, { version, optional }]) =>
			where === '' || recorded[where]?.version === version || (optional === true && recorded[where] === undefined),
	);

/** @param {string} file @returns {LockedPackages | null} */
function packagesOf(file) {
	return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).packages : null;
}

/** @param {string} root */
export function isInstalled(root) {
	const locked = packagesOf(path.join(root, 'package-lock.json'));
	// npm writes its record last, so an installation that was interrupted has none.
	const recorded = packagesOf(path.join(root, 'node_modules/.package-lock.json'));
	return locked !== null && recorded !== null && isSameInstallation(locked, recorded);
}

/** @param {string} output npm's @param {number | null} code */
export function explainInstallFailure(output, code) {
	if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network/i.test(output))
		return 'The package registry cannot be reached, and uHub needs it once to install its packages. Check the network or npm\'s "registry" setting, then start again.';
	if (/ENOSPC/.test(output)) return 'The disk is full: uHub needs about 500 MB for its packages.';
	if (/EACCES|EPERM/.test(output)) return 'npm may not write node_modules: check who owns the checkout.';
	const reason = output.split('\n').find((line) => /^npm (error|ERR!)/.test(line)) ?? '';
	return `npm ci failed (code ${code}). ${reason}`.trim();
}

/** @param {string} root */
export async function install(root) {
	const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
		cwd: root,
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let output = '';
	for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (part) => (output = (output + part).slice(-20_000)));
	const code = await new Promise((resolve, reject) => {
		npm.on('error', () => reject(new Failure('npm is not installed: uHub needs it once to install its packages.')));
		npm.on('close', resolve);
	});
	if (code !== 0) throw new Failure(explainInstallFailure(output, code));
}

/** The Node that builds and runs the agent: the pinned one where npm has it for this platform. @param {string} root */
export function toolNode(root) {
	const pinned = path.join(root, 'node_modules/.bin/node');
	if (fs.existsSync(pinned)) return pinned;
	if (isNewEnough(process.versions.node)) return process.execPath;
	throw new Failure(
		`npm has not installed a Node for the tools, and this one (${process.versions.node}) is too old for them: have npm install optional packages, or use a newer Node.js.`,
	);
}
