// A run that floods its log, and what arrived of it.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { HubRun } from './fake-hub.ts';

export const MIB = 1_048_576;

/**
 * A script that says so many mebibytes without a newline, bytes of every other kind among them, and then, on a line of its own, how many
 * they were and their hash, which it works out anew.
 */
export const floodOf = (mebibytes: number): string => `head -c 131072 /dev/urandom | tr '\\n\\r\\033' 'nre' > block
head -c ${String(MIB - 131_072)} /dev/zero | tr '\\0' f >> block
flood() { n=0; while [ $n -lt ${String(mebibytes)} ]; do cat block; n=$((n + 1)); done; }
flood
echo
echo "${String(mebibytes * MIB)} $(flood | sha256sum | cut -d' ' -f1)"
`;

/** What a hub has of such a run, and what the script says of it; `host`: before each of its lines, where there are several. */
export function arrived(run: HubRun, host = ''): { had: string; said: string } {
	const prefix = Buffer.from(host && `[${host}] `);
	const log = Buffer.concat(run.log);
	const lines: Buffer[] = [];
	for (let at = 0; at < log.length;) {
		const end = log.indexOf(0x0a, at);
		const line = log.subarray(at, end === -1 ? log.length : end);
		at += line.length + 1;
		if (!line.subarray(0, prefix.length).equals(prefix)) throw new Error('a line without its host');
		if (!line.subarray(0, 6).equals(Buffer.from('uhub: '))) lines.push(line.subarray(prefix.length));
	}
	const said = lines.pop()?.toString() ?? '';
	const hash = createHash('sha256');
	let bytes = 0;
	for (const line of lines) {
		hash.update(line);
		bytes += line.length;
	}
	return { had: `${String(bytes)} ${hash.digest('hex')}`, said };
}

/** The most memory that a process ever had, in MiB. */
export const mostMemory = (pid: number): number =>
	Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]) / 1024;

/** What an agent's spools have on the disk, in MiB. */
export function spooled(home: string): number {
	const spool = path.join(home, 'spool');
	const sizes = readdirSync(spool, { recursive: true, encoding: 'utf8' }).map((name) => {
		const found = statSync(path.join(spool, name), { throwIfNoEntry: false });
		return found?.isFile() ? found.size : 0;
	});
	return sizes.reduce((all, size) => all + size, 0) / MIB;
}
