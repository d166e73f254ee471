// Which process is which: a process id is used again, so an identity is the id and when it started.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** @typedef {{pid: number, started: string}} ProcessIdentity */

/** When a process started, in whatever unit the system has; null when there is no such process. @param {number} pid */
export function startOf(pid) {
	try {
		if (process.platform === 'linux') {
			const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
			// The name, in parentheses, may itself hold spaces and parentheses. After it: state, then 18 fields, then the start.
			const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
			return state === 'Z' ? null : (rest[18] ?? null);
		}
		return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
	} catch {
		return null;
	}
}

/** @param {number} pid @returns {ProcessIdentity} */
export const identify = (pid) => ({ pid, started: startOf(pid) ?? '' });

/** @param {ProcessIdentity} identity @param {(pid: number) => string | null} [start] */
export const isAlive = ({ pid, started }, start = startOf) => started !== '' && start(pid) === started;
