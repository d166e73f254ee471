// Run after every `npm install`. A registry mirror may lack packages for other platforms; npm then leaves them out of
// the lockfile, and `npm ci` refuses a lockfile that lacks what a package names. This adds them back as the optional
// entries they are, and makes sure that no entry names the registry it came from.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const OS = {
	android: 'android',
	darwin: 'darwin',
	freebsd: 'freebsd',
	linux: 'linux',
	netbsd: 'netbsd',
	openbsd: 'openbsd',
	openharmony: 'openharmony',
	sunos: 'sunos',
	aix: 'aix',
	win32: 'win32',
	windows: 'win32',
};
const CPU = {
	arm64: 'arm64',
	x64: 'x64',
	64: 'x64',
	arm: 'arm',
	gnueabihf: 'arm',
	ia32: 'ia32',
	loong64: 'loong64',
	mips64el: 'mips64el',
	ppc64: 'ppc64',
	riscv64: 'riscv64',
	s390x: 's390x',
	wasm32: 'wasm32',
};

/**
 * @typedef {object} LockEntry
 * @property {string} [version]
 * @property {string} [resolved]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 * @property {Record<string, string>} [optionalDependencies]
 */

/** What a platform package's name says about its platform. @param {string} name @returns {Partial<LockEntry>} */
export function platformOf(name) {
	const words = name.split(/[-/]/);
	const find = (/** @type {Record<string, string>} */ table) => words.map((word) => table[word]).find(Boolean);
	const os = find(OS);
	const cpu = find(CPU);
	return {
		...(os ? { os: [os] } : {}),
		...(cpu ? { cpu: [cpu] } : {}),
		...(words.includes('musl') ? { libc: ['musl'] } : {}),
	};
}

/** Where node finds `name` from the package at `from`, innermost first. @param {Record<string, LockEntry>} packages @param {string} from @param {string} name */
function isResolvable(packages, from, name) {
	for (let at = from; ; at = at.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
		if (packages[`${at ? `${at}/` : ''}node_modules/${name}`]) return true;
		if (!at) return false;
	}
}

/** @param {Record<string, LockEntry>} packages @returns {Record<string, LockEntry>} with what was missing, sorted as npm sorts */
export function completeLock(packages) {
	const complete = structuredClone(packages);
	for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
		for (const [name, version] of Object.entries(optionalDependencies)) {
			// A range cannot be resolved from here, and only platform packages are left out; those are pinned.
			if (!/^\d+\.\d+\.\d+\S*$/.test(version) || isResolvable(complete, path, name)) continue;
			complete[`node_modules/${name}`] = { version, ...(dev ? { dev } : {}), optional: true, ...platformOf(name) };
		}
	}
	for (const entry of Object.values(complete)) delete entry.resolved;
	return Object.fromEntries(Object.entries(complete).sort(([a], [b]) => (a < b ? -1 : 1)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const file = 'package-lock.json';
	const lock = JSON.parse(fs.readFileSync(file, 'utf8'));
	const before = Object.keys(lock.packages).length;
	lock.packages = completeLock(lock.packages);
	fs.writeFileSync(file, `${JSON.stringify(lock, null, '\t')}\n`);
	console.log(`${Object.keys(lock.packages).length - before} optional packages added to ${file}`);
}
