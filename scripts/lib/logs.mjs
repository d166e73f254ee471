// The children's output goes to files: the terminal is for what a person must read.
import fs from 'node:fs';

const LARGEST = 10 * 1024 * 1024;

/** Keeps one old log beside the new one. @param {string} file */
export function rotateLog(file) {
	const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
	if (size > LARGEST) fs.renameSync(file, `${file}.1`);
}

/** @param {string} file @param {number} [lines] */
export function logTail(file, lines = 10) {
	const all = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trimEnd().split('\n') : [];
	return all.slice(-lines).join('\n');
}
