// Starts a child that cannot outlive this process, however this process ends. A shell between the two waits for the
// end of a pipe that only this process holds open: when it breaks, the child is stopped. Shell and not Node because
// it costs a megabyte and not forty; not PR_SET_PDEATHSIG because that is Linux only.
import { spawn } from 'node:child_process';

const SCRIPT = `
orphaned=$1; grace=$2; shift 2
exec 4<&0
"$@" </dev/null 4<&- & child=$!
(
	read -r _
	kill -s "$orphaned" $child
	while [ "$grace" -gt 0 ] && kill -0 $child; do sleep 1; grace=$((grace - 1)); done
	kill -s KILL $child
) <&4 >/dev/null 2>&1 & watch=$!
exec 4<&-
trap 'kill -s TERM $child' TERM INT
trap 'kill -s KILL $child' USR1
while :; do wait $child; code=$?; kill -0 $child 2>/dev/null || break; done
kill -s KILL $watch 2>/dev/null
exit $code
`;

/**
 * @param {string} command
 * @param {string[]} args
 * @param {object} options
 * @param {Record<string, string | undefined>} options.env
 * @param {number} options.log file descriptor for what it prints
 * @param {'TERM' | 'KILL'} options.orphaned the signal it gets when this process is gone
 * @param {number} [options.graceSeconds] how long after that it is killed
 * @param {boolean} [options.control] whether its descriptor 3 is a pipe to us
 */
export function spawnGuarded(command, args, { env, log, orphaned, graceSeconds = 10, control = false }) {
	return spawn('/bin/sh', ['-c', SCRIPT, 'uhub-guard', orphaned, String(graceSeconds), command, ...args], {
		env: /** @type {NodeJS.ProcessEnv} */ (env),
		// A group of its own: Ctrl-C in the terminal reaches this process only, which then stops things in order.
		detached: true,
		stdio: ['pipe', log, log, control ? 'pipe' : 'ignore'],
	});
}
