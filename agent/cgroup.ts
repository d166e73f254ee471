import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
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
	/** `occupied`: the agent itself is in it, for a moment. `lost`: and could not leave it, so that it tells nothing of the run. */
	state: 'free' | 'occupied' | 'lost' = 'free';
	/** Rejects when its limits could not be set. */
	limited: Promise<void> = Promise.resolve();

	private constructor(dir: string) {
		this.dir = dir;
	}

	/** Null where the host does not let it be made. */
	static make(base: string, name: string): Cgroup | null {
		const dir = path.join(base, `${PREFIX}${name}`);
		try {
			mkdirSync(dir);
			return new Cgroup(dir);
		} catch {
			return null;
		}
	}

	/** One that an earlier process of the agent made; null for a directory that cannot be one. */
	static at(dir: string): Cgroup | null {
		return path.basename(dir).startsWith(PREFIX) ? new Cgroup(dir) : null;
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
			writeFileSync(path.join(this.dir, 'cgroup.kill'), '1', { flag: 'r+' });
		} catch (error) {
			if (codeOf(error) !== 'ENOENT') throw error;
		}
	}

	/** Throws `LimitsUnavailable` when the host does not give the agent the controllers for it. */
	checkLimits({ memory_mib, pids }: Limits): void {
		const missing = [...(memory_mib === undefined ? [] : ['memory']), ...(pids === undefined ? [] : ['pids'])].filter(
			(controller) => !existsSync(path.join(this.dir, `${controller}.max`)),
		);
		if (missing.length > 0)
			throw new LimitsUnavailable(
				`its limits need the control group controller ${missing.join(' and ')}, which this host does not give the agent`,
			);
	}

	async limit({ memory_mib, pids }: Limits): Promise<void> {
		if (memory_mib !== undefined) await writeFile(path.join(this.dir, 'memory.max'), String(memory_mib * 1_048_576));
		if (pids !== undefined) await writeFile(path.join(this.dir, 'pids.max'), String(pids));
	}

	remove(): void {
		try {
			rmdirSync(this.dir);
		} catch {
			// Groups the run made below it, or the kernel a moment behind: an empty one costs nothing, and is swept at the next start.
		}
	}
}

/**
 * The groups of an agent's runs. A process is born in its parent's group, and the kernel may take ten milliseconds and more to move one,
 * which must not come between a click and the first line. So the agent waits inside the group that the next run will get, and moves on,
 * without waiting for it, once that run is born.
 */
export class Cgroups {
	readonly #base: string;
	readonly #tag: string;
	#made = 0;
	/** Where the agent is; nobody's yet unless `#taken`. */
	#here: Cgroup | null = null;
	#taken = false;
	/** One birth at a time. */
	#turn: Promise<void> = Promise.resolve();

	private constructor(base: string, tag: string) {
		this.#base = base;
		this.#tag = tag;
	}

	/** Null where this host has no control groups (v2) that the agent may use. `tag` names the agent: what it left behind is removed. */
	static async open(tag: string): Promise<Cgroups | null> {
		const base = ownGroup();
		if (base === null) return null;
		for (const name of readdirSync(base))
			if (name.startsWith(`${PREFIX}${tag}-`)) Cgroup.at(path.join(base, name))?.remove();
		const groups = new Cgroups(base, tag);
		await groups.#moveOn();
		if (!groups.#here) return null;
		// Only now that the agent is in a group below: one with processes of its own cannot hand controllers down.
		await writeFile(path.join(base, 'cgroup.subtree_control'), '+memory +pids').catch(() => undefined);
		return groups;
	}

	/** A group for a new run; null when none can be made. Throws `LimitsUnavailable`. */
	take(limits: Limits): Cgroup | null {
		if (this.#here && !this.#taken) {
			this.#here.checkLimits(limits);
			this.#taken = true;
			return this.#here;
		}
		const group = this.#make();
		try {
			group?.checkLimits(limits);
		} catch (error) {
			group?.remove();
			throw error;
		}
		return group;
	}

	/** Runs `spawn` while the agent is inside the run's group, then moves out of it. */
	async inside<T>(group: Cgroup, limits: Limits, spawn: () => T): Promise<T> {
		const earlier = this.#turn;
		let done: (turn: Promise<void>) => void = () => undefined;
		this.#turn = new Promise((resolve) => (done = resolve));
		await earlier;
		try {
			if (this.#here !== group) await this.#enter(group);
			return spawn();
		} finally {
			const left = this.#moveOn();
			group.limited = left.then(() => group.limit(limits));
			left.then(
				() => (group.state = 'free'),
				() => (group.state = 'lost'),
			);
			done(left.catch(() => undefined));
		}
	}

	/** Leaves for good: the group the agent waited in goes. */
	async close(): Promise<void> {
		await this.#turn;
		await writeFile(path.join(this.#base, 'cgroup.procs'), String(process.pid)).catch(() => undefined);
		this.#here?.remove();
	}

	/** Out of a run's group, into one that is nobody's yet. */
	async #moveOn(): Promise<void> {
		const next = this.#here && !this.#taken ? this.#here : this.#make();
		this.#here = null;
		if (next) await this.#enter(next);
		else await writeFile(path.join(this.#base, 'cgroup.procs'), String(process.pid));
		this.#here = next;
		this.#taken = false;
	}

	async #enter(group: Cgroup): Promise<void> {
		group.state = 'occupied';
		await writeFile(path.join(group.dir, 'cgroup.procs'), String(process.pid));
	}

	#make(): Cgroup | null {
		return Cgroup.make(this.#base, `${this.#tag}-${String(process.pid)}-${String(++this.#made)}`);
	}
}

/** The directory of the group this process was started in; null without cgroup v2. */
function ownGroup(): string | null {
	const mount = /^\S+ (\S+) cgroup2 /m.exec(read('/proc/self/mounts'))?.[1];
	const group = /^0::(.*)$/m.exec(read('/proc/self/cgroup'))?.[1];
	return mount === undefined || group === undefined ? null : path.join(mount, group);
}
