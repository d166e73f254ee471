import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'ssh2';
import { descendants, parseStat, type Process } from '../../processes.ts';
import { HostFailure } from './failure.ts';
import { ask } from './remote.ts';
import { line } from './wrapper.ts';

const POLL_FIRST_MS = 30;
const POLL_MAX_MS = 500;
/** How long to wait after a KILL before sending it again, and how often that is done before it is given up. */
const KILL_AGAIN_MS = 500;
const KILLS = 40;
/** Between the list of processes and that of the marked ones. */
const BORDER = 'uhub-marked';

/** All processes of a run on another host, however they detached: as Family finds them here (family.ts), by that host's /proc. */
export class RemoteFamily {
	readonly #client: Client;
	readonly #look: string;
	readonly #leaders = new Set<number>();

	/** `mark` is in the environment of each of them. */
	constructor(client: Client, mark: string) {
		this.#client = client;
		// The brackets keep it from finding those who look: a forced command is told the command line in its environment.
		const marked = `UHUB_RUN_MARK=[${mark.slice(0, 1)}]${mark.slice(1)}`;
		this.#look = line(
			`cat /proc/[0-9]*/stat 2>/dev/null; echo ${BORDER}; grep -sl "${marked}" /proc/[0-9]*/environ 2>/dev/null`,
		);
	}

	/** A process that leads a session of its own. */
	add(pid: number): void {
		this.#leaders.add(pid);
	}

	/** INT, TERM, KILL, `grace_ms` apart, to every process of it, until none is left. Throws `HostFailure` where that cannot be seen. */
	async end(grace_ms: number): Promise<void> {
		for (const signal of ['INT', 'TERM']) if (await this.#signal(signal, grace_ms)) return;
		for (let n = 0; n < KILLS; n++) if (await this.#signal('KILL', KILL_AGAIN_MS)) return;
		throw new HostFailure('host_unreachable', 'Processes on the host cannot be ended.');
	}

	/** Waits until nobody is left; false when the time is over first. Throws `HostFailure`. */
	async gone(within_ms: number): Promise<boolean> {
		const end = performance.now() + within_ms;
		for (let wait = POLL_FIRST_MS; (await this.#members()).length > 0; wait = Math.min(POLL_MAX_MS, wait * 2)) {
			const left = end - performance.now();
			if (left <= 0) return false;
			await sleep(Math.min(wait, left));
		}
		this.#leaders.clear();
		return true;
	}

	async #signal(signal: string, patience_ms: number): Promise<boolean> {
		const pids = (await this.#members()).map(({ pid }) => String(pid));
		if (pids.length === 0) return true;
		await ask(this.#client, line(`kill -${signal} ${pids.join(' ')} 2>/dev/null`));
		return this.gone(patience_ms);
	}

	async #members(): Promise<Process[]> {
		const { code, stdout } = await ask(this.#client, this.#look);
		const [stats = '', marked] = stdout.split(`${BORDER}\n`);
		if (code === null || marked === undefined || stats === '')
			throw new HostFailure('host_unreachable', 'The host does not tell of its processes.');
		const all = stats.split('\n').flatMap((stat) => {
			const pid = /^(\d+) \(/.exec(stat)?.[1];
			return (pid !== undefined && parseStat(Number(pid), stat)) || [];
		});
		const carry = new Set([...marked.matchAll(/^\/proc\/(\d+)\/environ$/gm)].map(([, pid]) => Number(pid)));
		return descendants(all, { leaders: this.#leaders, marked: (p) => carry.has(p.pid), listed: new Set() });
	}
}
