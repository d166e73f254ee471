// The ways a person or a program asks the hub to stop.
import { describe } from './processes.mjs';

// npm passes the terminal's Ctrl-C on to a process that has had it already: the echo is not a second request.
const ECHO_MS = 500;
const PARENT_CHECK_MS = 1_000;

/**
 * @param {object} handlers
 * @param {() => Promise<void>} handlers.stop
 * @param {() => Promise<void>} handlers.force
 */
export function onStopRequest({ stop, force }) {
	let asked = 0;
	const request = () => {
		const now = performance.now();
		if (asked === 0) {
			asked = now;
			stop().catch(force);
		} else if (now - asked > ECHO_MS) {
			force().catch(() => process.exit(1));
		}
	};
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, request);

	if (process.env.npm_lifecycle_event === undefined) return;
	// Started by npm, this process is not what a person sees: when npm is killed outright, the hub must go with it.
	const launchers = npmAbove(process.ppid);
	setInterval(() => {
		if (asked === 0 && !launchers.every(exists)) request();
	}, PARENT_CHECK_MS).unref();
}

/** Most shells stay between npm and the script; some make way for it. @param {number} parent */
function npmAbove(parent) {
	const above = describe(parent);
	return above && /(^|\/)-?(ba|da|z|k)?sh$/.test(above.name) ? [parent, above.parent] : [parent];
}

/** @param {number} pid */
function exists(pid) {
	try {
		return process.kill(pid, 0);
	} catch (error) {
		return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
	}
}
