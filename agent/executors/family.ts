import { setTimeout as sleep } from 'node:timers/promises';
import { Cgroup } from '../cgroup.ts';
import type { Handle } from '../journal.ts';
import { codeOf } from '../failure.ts';
import { bootId, descendants, environmentOf, everyProcess, hasProc, type Process, ticksNow } from '../processes.ts';

const POLL_FIRST_MS = 2;
const POLL_MAX_MS = 50;
/** How long to wait after a KILL before sending it again. */
const KILL_AGAIN_MS = 200;

/** All processes of a run, however they detached: its sessions, its groups, its mark, its control group, and their children. */
export class Family {
	readonly #mark: string;
	readonly #cgroup: Cgroup | null;
	readonly #leaders = new Set<number>();
	/** In ticks since the boot: nothing that started before belongs to it. */
	#since = ticksNow();

	constructor(mark: string, cgroup: Cgroup | null) {
		this.#mark = `UHUB_RUN_MARK=${mark}\0`;
		this.#cgroup = cgroup;
	}

	/** Finds a family again after the agent's own death; null when the machine has been booted since, and nothing can be left. */
	static of(handle: Handle, leaders: readonly number[]): Family | null {
		if (handle.boot !== bootId()) return null;
		const family = new Family(handle.mark, handle.cgroup === null ? null : Cgroup.at(handle.cgroup));
		family.#since = 0;
		// A leader's pid may by now be another's. It still leads only if a process that carries the mark is in its session.
		const marked = everyProcess().filter((p) => family.#carriesMark(p));
		for (const pid of leaders) if (marked.some((p) => p.sid === pid || p.pgid === pid)) family.#leaders.add(pid);
		return family;
	}

	/** A process that leads a session and group of its own. */
	add(pid: number): void {
		this.#leaders.add(pid);
	}

	/**
	 * Where there is a group it knows; only while the agent is in it itself it cannot say that it is empty. `everywhere`: also looks at
	 * every process of the host, which takes milliseconds, for one that was moved out of the group on purpose (systemd-run --scope).
	 */
	alive(everywhere: boolean): boolean {
		if (this.#cgroup?.state === 'occupied') return true;
		if (this.#cgroup?.state === 'free') {
			if (this.#cgroup.populated()) return true;
			if (!everywhere) return false;
		}
		return hasProc ? this.#members().length > 0 : [...this.#leaders].some((pid) => send(-pid, 0));
	}

	/** INT, TERM, KILL, `grace_ms` apart, to every process of it, again and again until none is left. */
	async end(grace_ms: number): Promise<void> {
		for (const signal of ['SIGINT', 'SIGTERM'] as const) {
			this.#signal(signal);
			if (await this.gone(grace_ms, true)) return;
		}
		do {
			if (this.#cgroup?.state === 'free') this.#cgroup.kill();
			this.#signal('SIGKILL');
		} while (!(await this.gone(KILL_AGAIN_MS, true)));
	}

	/** Waits until nobody is left; false when the time is over first. */
	async gone(within_ms: number, everywhere: boolean): Promise<boolean> {
		const end = performance.now() + within_ms;
		for (let wait = POLL_FIRST_MS; this.alive(everywhere); wait = Math.min(POLL_MAX_MS, wait * 2)) {
			const left = end - performance.now();
			if (left <= 0) return false;
			await sleep(Math.min(wait, left));
		}
		// From now on the system may give their numbers to somebody else.
		this.#leaders.clear();
		return true;
	}

	#signal(signal: NodeJS.Signals): void {
		for (const pid of this.#leaders) send(-pid, signal);
		for (const p of this.#members()) if (!this.#leaders.has(p.pgid)) send(p.pid, signal);
	}

	#members(): Process[] {
		// While the agent itself is in the group it is no part of the family: its children are all the runs there are.
		const others = everyProcess().filter(({ pid }) => pid !== process.pid);
		return descendants(others, {
			leaders: this.#leaders,
			marked: (p) => p.start >= this.#since && this.#carriesMark(p),
			listed: new Set(this.#cgroup?.pids()),
		});
	}

	#carriesMark(p: Process): boolean {
		return environmentOf(p.pid).includes(this.#mark);
	}
}

/** Whether there was anyone to take the signal. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
	try {
		process.kill(pid, signal);
		return true;
	} catch (error) {
		// EPERM: there is somebody, but not one of ours to signal.
		return codeOf(error) === 'EPERM';
	}
}
