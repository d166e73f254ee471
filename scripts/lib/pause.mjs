// Holds a running hub still for the moment its files are copied. Stopped processes write nothing, so what lies on disk then
// is what a kill would leave: SQLite's files with their write-ahead logs, all of one moment, which every start can take up.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Failure } from './failure.mjs';
import { isAlive } from './processes.mjs';

const PATIENCE_MS = 5_000;
// A shell wakes the hub when the pipe it reads breaks: at our word, and also when we are killed.
const WAKE = 'read -r _; for group in "$@"; do kill -s CONT -- "-$group"; done';

/** The process groups of a running hub, the Worker's first; null when none runs. @param {string} dataDir @returns {number[] | null} */
export function runningHub(dataDir) {
	const file = path.join(dataDir, 'hub.lock');
	if (!fs.existsSync(file)) return null;
	/** @type {import('./lock.mjs').LockContent} */
	const { holder, children } = JSON.parse(fs.readFileSync(file, 'utf8'));
	if (!isAlive(holder)) return null;
	return children.filter((child) => isAlive(child)).map(({ pid }) => pid);
}

/** Whether no process of these groups can run. @param {number[]} groups */
function still(groups) {
	return fs
		.readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.every((pid) => {
			try {
				const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
				const [state = '', , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
				return !groups.includes(Number(group)) || ['T', 't', 'Z', 'X'].includes(state);
			} catch {
				return true;
			}
		});
}

/**
 * @template R
 * @param {number[]} groups
 * @param {() => R} work synchronous, so that nothing else happens meanwhile
 * @returns {Promise<R>}
 */
export async function whilePaused(groups, work) {
	if (process.platform !== 'linux')
		throw new Failure('A running hub can be backed up on Linux only: stop it first, with Ctrl-C.');
	const waker = spawn('/bin/sh', ['-c', WAKE, 'uhub-waker', ...groups.map(String)], {
		detached: true,
		stdio: ['pipe', 'ignore', 'ignore'],
	});
	await new Promise((resolve, reject) => waker.once('spawn', resolve).once('error', reject));
	const woken = new Promise((resolve) => waker.once('exit', resolve));
	try {
		for (const group of groups) process.kill(-group, 'SIGSTOP');
		const deadline = Date.now() + PATIENCE_MS;
		while (!still(groups)) {
			if (Date.now() > deadline) throw new Failure('The hub could not be held still. Try again, or stop it first.');
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
		return work();
	} finally {
		waker.stdin.end();
		await woken;
	}
}
