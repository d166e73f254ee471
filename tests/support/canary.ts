// Where a secret could be seen while a run has it, and after.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { processesWith } from './agent-process.ts';

/** The arguments and the variables of all living processes of a run, each by itself. */
export function seenOf(run_id: number): { args: string[]; variables: string[] } {
	const read = (pid: number, what: string) => {
		try {
			return readFileSync(`/proc/${String(pid)}/${what}`, 'latin1').split('\0');
		} catch {
			return [];
		}
	};
	const mark = `UHUB_RUN_ID=${String(run_id)}`;
	const pids = processesWith(mark).filter((pid) => read(pid, 'environ').includes(mark));
	return {
		args: pids.flatMap((pid) => read(pid, 'cmdline')),
		variables: pids.flatMap((pid) => read(pid, 'environ')),
	};
}

/** The files below these directories that hold a text. */
export const filesWith = (text: string, ...dirs: string[]): string[] =>
	execFileSync('sh', ['-c', 'text=$1; shift; grep -rlF -e "$text" "$@" 2>/dev/null; true', 'sh', text, ...dirs], {
		encoding: 'utf8',
	})
		.split('\n')
		.filter((line) => line !== '');
