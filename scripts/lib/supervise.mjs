// Keeps a child running: when it ends by itself it is started again, later each time; when it keeps ending, that is said.

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 10_000;
// Having run this long, a child is healthy and its history forgotten.
const HEALTHY_MS = 30_000;

/** @param {number} failures in a row */
export const restartDelay = (failures) => Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1));

/**
 * @param {object} options
 * @param {() => Promise<import('node:child_process').ChildProcess>} options.start resolves once the child works
 * @param {(ended: {code: number | null, failures: number}) => boolean} options.onEnd whether to start it again
 * @param {(child: import('node:child_process').ChildProcess) => void} options.onStart
 */
export async function supervise({ start, onEnd, onStart }) {
	let stopping = false;
	let failures = 0;
	/** @type {import('node:child_process').ChildProcess | null} */
	let child = null;
	/** @type {NodeJS.Timeout | undefined} */
	let timer;

	const launch = async () => {
		const started = performance.now();
		const current = await start();
		child = current;
		onStart(current);
		const ended = (/** @type {number | null} */ code) => {
			child = null;
			if (stopping) return;
			failures = performance.now() - started > HEALTHY_MS ? 1 : failures + 1;
			retry(code);
		};
		if (current.exitCode !== null || current.signalCode !== null) ended(current.exitCode);
		else current.once('exit', ended);
	};
	const retry = (/** @type {number | null} */ code) => {
		if (!onEnd({ code, failures })) return;
		timer = setTimeout(() => {
			launch().catch(() => {
				failures++;
				if (!stopping) retry(null);
			});
		}, restartDelay(failures));
	};
	await launch();

	return {
		/** @param {NodeJS.Signals} signal @param {number} patienceMs then it is killed */
		async stop(signal, patienceMs) {
			stopping = true;
			clearTimeout(timer);
			if (child) await end(child, signal, patienceMs);
		},
		kill: () => child?.kill('SIGUSR1'),
	};
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 * @param {number} patienceMs
 */
function end(child, signal, patienceMs) {
	return new Promise((resolve) => {
		// SIGUSR1 is how a guard is told to kill what it guards; SIGKILL would only kill the guard.
		const timer = setTimeout(() => child.kill('SIGUSR1'), patienceMs);
		child.once('exit', () => {
			clearTimeout(timer);
			resolve(undefined);
		});
		child.kill(signal);
	});
}
