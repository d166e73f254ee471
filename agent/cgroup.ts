import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from './failure.ts';

/** Limits of LocalConfig. */
export interface Limits {
	memory_mib?: number | undefined;
	pids?: number | undefined;
}

/** This host cannot hold a run to the limits it asks for. */
export class LimitsUnavailable extends Error {}

const PREFIX = 'uhub-run-';

const read = (file: string): string => {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return '';
	}
};

/** A control group of a run's own (v2): no process can leave it, however it detaches, so it tells for sure who is left. */
export class Cgroup {
	readonly dir: string;
	readonly #agentDir: string;

	readonly #pids: number | undefined;

	private constructor(dir: string, agentDir: string, limits: Limits) {
		this.dir = dir;
		this.#agentDir = agentDir;
		this.#pids = limits.pids;
	}

	/**
	 * Makes one below the agent's own. Null where the host does not let it. Throws `LimitsUnavailable` when it cannot enforce them:
	 * a run that asks for limits does not go without.
	 */
	static create(name: string, limits: Limits): Cgroup | null {
		const agentDir = ownDirectory();
		const wanted = Object.values(limits).some((v) => v !== undefined);
		if (agentDir === null) {
			if (wanted) throw new LimitsUnavailable('limits need control groups (cgroup v2), which this host does not have');
			return null;
		}
		const dir = path.join(agentDir, `${PREFIX}${name}`);
		try {
			mkdirSync(dir);
		} catch (error) {
			if (wanted)
				throw new LimitsUnavailable(`limits need a control group, which cannot be made here (${codeOf(error)})`);
			return null;
		}
		const group = new Cgroup(dir, agentDir, limits);
		try {
			if (limits.memory_mib !== undefined) group.#set('memory.max', String(limits.memory_mib * 1_048_576));
			if (limits.pids !== undefined) group.#set('pids.max', String(limits.pids));
			return group;
		} catch {
			group.remove();
			throw new LimitsUnavailable(
				'limits need the memory and pids controllers, which this host does not give the agent',
			);
		}
	}

	/** The one a handle of an earlier process names; only those that `create` could have made. */
	static at(dir: string): Cgroup | null {
		const agentDir = ownDirectory();
		return agentDir !== null && path.basename(dir).startsWith(PREFIX) ? new Cgroup(dir, agentDir, {}) : null;
	}

	/** Runs `spawn` with the agent inside the group, so that the child is born in it and not moved there after its first fork. */
	inside<T>(spawn: () => T): T {
		// The agent's own threads must not count against the run's.
		if (this.#pids !== undefined) this.#set('pids.max', 'max');
		this.#set('cgroup.procs', String(process.pid));
		try {
			return spawn();
		} finally {
			writeFileSync(path.join(this.#agentDir, 'cgroup.procs'), String(process.pid));
			if (this.#pids !== undefined) this.#set('pids.max', String(this.#pids));
		}
	}

	/** The processes directly in it; `populated` also knows of those in groups they made below it. */
	pids(): number[] {
		return read(path.join(this.dir, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
	}

	populated(): boolean {
		return /^populated 1$/m.test(read(path.join(this.dir, 'cgroup.events')));
	}

	/** KILL to all of it at once, forks included; before Linux 5.14 the file is missing, and killing one by one must do. */
	kill(): void {
		try {
			this.#set('cgroup.kill', '1');
		} catch (error) {
			if (codeOf(error) !== 'ENOENT') throw error;
		}
	}

	remove(): void {
		try {
			rmdirSync(this.dir);
		} catch {
			// Groups the run made below it, or the kernel a moment behind: an empty one costs nothing.
		}
	}

	#set(file: string, value: string): void {
		writeFileSync(path.join(this.dir, file), value, { flag: 'r+' });
	}
}

let own: string | null | undefined;

/** The agent's own control group; null without cgroup v2. Read once, since `inside` changes it for moments. */
function ownDirectory(): string | null {
	if (own !== undefined) return own;
	const mount = /^\S+ (\S+) cgroup2 /m.exec(read('/proc/self/mounts'))?.[1];
	const group = /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1];
	own = mount === undefined || group === undefined ? null : path.join(mount, group);
	return own;
}

/** Removes the empty groups that an earlier process of the agent with this tag left. */
export function sweepCgroups(tag: string): void {
	const agentDir = ownDirectory();
	if (agentDir === null) return;
	for (const name of readdirSync(agentDir))
		if (name.startsWith(`${PREFIX}${tag}-`)) Cgroup.at(path.join(agentDir, name))?.remove();
}
