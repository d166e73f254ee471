// Which process is which: a process id is used again, so an identity is the id and when it started.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** @typedef {{pid: number, started: string}} ProcessIdentity */

/**
 * What the system says of a process: its name, its parent, and when it started in whatever unit the system has.
 * @param {number} pid
 * @returns {{name: string, parent: number, started: string} | null} null when there is no such process
 */
export function describe(pid) {
	try {
		if (process.platform !== 'linux') {
			const line = execFileSync('ps', ['-o', 'ppid=,lstart=,comm=', '-p', String(pid)], { encoding: 'utf8' });
			const [, parent = '', started = '', name = ''] = /^\s*(\d+)\s+(.{24})\s+(.*)$/m.exec(line) ?? [];
			return parent ? { name, parent: Number(parent), started } : null;
		}
		const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
		// The name stands in parentheses and may itself hold spaces and parentheses.
		const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
		if (state === 'Z') return null;
		return {
			name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
			parent: Number(parent),
			started: rest[17] ?? '',
		};
	} catch {
		return null;
	}
}

/** @param {number} pid */
export const startOf = (pid) => describe(pid)?.started ?? null;

/** @param {number} pid @returns {ProcessIdentity} */
export const identify = (pid) => ({ pid, started: startOf(pid) ?? '' });

/** @param {ProcessIdentity} identity @param {(pid: number) => string | null} [start] */
export const isAlive = ({ pid, started }, start = startOf) => started !== '' && start(pid) === started;
