import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** A process as the kernel tells of it. */
export interface Process {
	pid: number;
	ppid: number;
	pgid: number;
	sid: number;
	/** When it started, in clock ticks since the boot. With the pid it names a process for ever; the pid alone is used again. */
	start: number;
}

/** Whether this system tells of its processes under /proc. */
export const hasProc = process.platform === 'linux';

/** Null for a process that is not there, or is a zombie: it runs nothing any more. */
export function parseStat(pid: number, stat: string): Process | null {
	// The name, in parentheses, may hold spaces and parentheses of its own.
	const [state, ppid, pgid, sid, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	if (state === undefined || state === 'Z' || state === 'X') return null;
	return { pid, ppid: Number(ppid), pgid: Number(pgid), sid: Number(sid), start: Number(rest[15]) };
}

export function look(pid: number): Process | null {
	try {
		return parseStat(pid, readFileSync(`/proc/${String(pid)}/stat`, 'latin1'));
	} catch {
		return null;
	}
}

/** Every living process; none on a system without /proc. */
export function everyProcess(): Process[] {
	if (!hasProc) return [];
	return readdirSync('/proc').flatMap((name) => {
		const found = /^\d+$/.test(name) ? look(Number(name)) : null;
		return found ? [found] : [];
	});
}

/** What a process's environment was when it started its program; '' when it cannot be read. */
export function environmentOf(pid: number): string {
	try {
		return readFileSync(`/proc/${String(pid)}/environ`, 'latin1');
	} catch {
		return '';
	}
}

/**
 * The processes that descend from a run: in the session or group of its leader, carrying its mark in their environment,
 * named by its control group, or children of any such. Pure.
 */
export function descendants(
	all: readonly Process[],
	of: { leaders: ReadonlySet<number>; marked: (p: Process) => boolean; listed: ReadonlySet<number> },
): Process[] {
	const found = new Map<number, Process>();
	for (const p of all)
		if (of.leaders.has(p.sid) || of.leaders.has(p.pgid) || of.listed.has(p.pid) || of.marked(p)) found.set(p.pid, p);
	for (let before = -1; before < found.size;) {
		before = found.size;
		for (const p of all) if (found.has(p.ppid) && !found.has(p.pid)) found.set(p.pid, p);
	}
	return [...found.values()];
}

/** Names a process for ever: pid, start and the boot it belongs to. Null when there is none. */
export function identityOf(pid: number): string | null {
	if (hasProc) {
		const found = look(pid);
		return found && `${String(pid)}.${String(found.start)}.${bootId().slice(0, 8)}`;
	}
	try {
		const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
		return started === '' ? null : `${String(pid)}.${String(Date.parse(started))}`;
	} catch {
		return null;
	}
}

/** This boot of the machine; '' where the system does not say. Process ids of another boot mean nothing. */
export function bootId(): string {
	try {
		return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
	} catch {
		return '';
	}
}

/** Milliseconds since the boot, on a clock that nobody sets; other processes read the same. */
export const sinceBootMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** Now, in clock ticks since the boot, a second early: comparable with `Process.start`. 0 where the system does not say. */
export function ticksNow(): number {
	try {
		const seconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
		// A hundred a second on every system that Node runs on; asking for it takes a program of its own.
		return Math.max(0, Math.floor((seconds - 1) * 100));
	} catch {
		return 0;
	}
}
