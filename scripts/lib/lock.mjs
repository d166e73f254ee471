// One hub per data directory. The lock names its holder by id and start time, so a hub that was killed leaves a lock
// that the next one recognises as stale, and the processes it started are known and can be put away.
import fs from 'node:fs';
import path from 'node:path';
import { Failure } from './failure.mjs';
import { identify, isAlive } from './processes.mjs';

/** @typedef {import('./processes.mjs').ProcessIdentity} ProcessIdentity */
/** @typedef {{holder: ProcessIdentity, children: ProcessIdentity[]}} LockContent */

/** @param {string} file @returns {LockContent | null} */
function read(file) {
	try {
		return JSON.parse(fs.readFileSync(file, 'utf8'));
	} catch {
		return null;
	}
}

/**
 * What to do about a lock that exists.
 * @param {LockContent | null} found null when it is unreadable: half-written by a hub that was killed
 * @param {(identity: ProcessIdentity) => boolean} alive
 * @returns {{held: true, pid: number} | {held: false, leftovers: ProcessIdentity[]}}
 */
export function judgeLock(found, alive) {
	if (found && alive(found.holder)) return { held: true, pid: found.holder.pid };
	return { held: false, leftovers: (found?.children ?? []).filter((child) => alive(child)) };
}

/** @param {string} dataDir */
export function takeLock(dataDir) {
	const file = path.join(dataDir, 'hub.lock');
	const draft = `${file}.${process.pid}`;
	/** @type {LockContent} */
	const content = { holder: identify(process.pid), children: [] };
	const write = () => fs.writeFileSync(draft, JSON.stringify(content), { mode: 0o600 });

	for (;;) {
		write();
		try {
			// A link, unlike a rename, fails when another hub was quicker, and appears with its content complete.
			fs.linkSync(draft, file);
			fs.rmSync(draft);
			break;
		} catch (error) {
			fs.rmSync(draft, { force: true });
			if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
		}
		const verdict = judgeLock(read(file), (identity) => isAlive(identity));
		if (verdict.held)
			throw new Failure(
				`Another uHub (process ${verdict.pid}) is using ${dataDir}: stop it, or set UHUB_DATA_DIR and PORT.`,
			);
		for (const { pid } of verdict.leftovers) killGroup(pid, 'SIGKILL');
		fs.rmSync(file, { force: true });
	}

	return {
		/** @param {number[]} pids what this hub runs now, each the leader of its process group */
		remember(pids) {
			content.children = pids.map(identify);
			write();
			fs.renameSync(draft, file);
		},
		release() {
			fs.rmSync(file, { force: true });
		},
	};
}

/** @param {number} pid the group's leader @param {NodeJS.Signals} signal */
export function killGroup(pid, signal) {
	try {
		process.kill(-pid, signal);
	} catch (error) {
		if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
	}
}
