// Secrets are made once, kept in the data directory with mode 0600, and read from there ever after.
import fs from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { Failure } from './failure.mjs';

// No 0/O or 1/l: it is read off a terminal and typed into a form.
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';

/** 20 characters of 32: 100 bits. */
export function randomPassword() {
	const letters = Array.from(randomBytes(20), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
	return letters.replace(/.{5}(?=.)/g, '$&-');
}

/** @param {string} file @param {string} content */
function writePrivately(file, content) {
	const draft = `${file}.${process.pid}`;
	fs.writeFileSync(draft, `${content}\n`, { mode: 0o600 });
	fs.renameSync(draft, file);
}

/** @param {string} file */
function readIfAny(file) {
	return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim() || null : null;
}

/** @param {string} dataDir */
export function hubSecret(dataDir) {
	const file = path.join(dataDir, 'secret');
	const kept = readIfAny(file);
	if (kept) return kept;
	const made = randomBytes(32).toString('base64url');
	writePrivately(file, made);
	return made;
}

/** @param {string} dataDir */
const demoPasswordFile = (dataDir) => path.join(dataDir, 'demo-password');

/** @param {string} dataDir */
export const keptDemoPassword = (dataDir) => readIfAny(demoPasswordFile(dataDir));

/** @param {string} dataDir @param {string} password */
export const keepDemoPassword = (dataDir, password) => writePrivately(demoPasswordFile(dataDir), password);

/** @param {string} dataDir */
const chosenMark = (dataDir) => path.join(dataDir, 'demo-password.chosen');

/** A password somebody chose is marked for good: accounts that had it must never face a network. @param {string} dataDir */
export const markChosenPassword = (dataDir) => fs.writeFileSync(chosenMark(dataDir), '', { mode: 0o600 });

/** @param {string} dataDir @param {string} host */
export function refuseKnownPassword(dataDir, host) {
	if (!fs.existsSync(chosenMark(dataDir))) return;
	throw new Failure(
		`HOST (${host}) is not loopback, and the demo accounts in ${dataDir} once had a password from UHUB_DEMO_PASSWORD: ` +
			'use another UHUB_DATA_DIR for a hub that a network can reach.',
	);
}
