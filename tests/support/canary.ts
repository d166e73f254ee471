// Where a secret could be seen while a run has it, and after.
import { execFileSync } from 'node:child_process';
import { accessSync, readFileSync } from 'node:fs';
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

/** The files below these directories that hold a text. A directory that is not there is an error: nothing would be found in it, whatever happened. */
export function filesWith(text: string, ...dirs: string[]): string[] {
	for (const dir of dirs) accessSync(dir);
	// What goes away meanwhile, as sockets and logs of what has ended do, holds nothing.
	const look = 'text=$1; shift; grep -rlF -e "$text" "$@" 2>/dev/null; true';
	const found = execFileSync('sh', ['-c', look, 'sh', text, ...dirs], { encoding: 'utf8' });
	return found.split('\n').filter((line) => line !== '');
}
