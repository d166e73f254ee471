import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { codeOf } from './failure.ts';

/** Limits of LocalConfig. */
export interface Limits {
	cpus?: number | undefined;
	memory_mib?: number | undefined;
	pids?: number | undefined;
}

/** This host cannot hold a run to the limits it asks for. */
export class LimitsUnavailable extends Error {}

const PREFIX = 'uhub-run-';
const CPU_PERIOD_US = 100_000;
/** Of many births in a row, how long until those that were born are heard. */
const SERIES_MS = 20;

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
	/** Settles once its limits are set, or could not be, after the agent has left it. */
	readonly limited: Promise<void>;
	#limits: Limits = {};
	#setLimits: (done: Promise<void>) => void = () => undefined;

	private constructor(dir: string) {
		this.dir = dir;
		this.limited = new Promise((resolve) => (this.#setLimits = resolve));
		this.limited.catch(() => undefined);
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

	/** Whether the kernel ended a process of it for taking more memory than its limit. */
	outOfMemory(): boolean {
		return /^oom_kill [1-9]/m.test(read(path.join(this.dir, 'memory.events')));
	}

	/** KILL to all of it at once, forks included; before Linux 5.14 the file is missing, and killing one by one must do. */
	kill(): void {
		try {
			writeFileSync(path.join(this.dir, 'cgroup.kill'), '1', { flag: 'r+' });
		} catch (error) {
			if (codeOf(error) !== 'ENOENT') throw error;
		}
	}

	/** Takes the limits it will have once the agent has left it. Throws `LimitsUnavailable` when the host does not give the controllers. */
	hold(limits: Limits): void {
		const wanted = [
			limits.cpus === undefined ? [] : ['cpu'],
			limits.memory_mib === undefined ? [] : ['memory'],
			limits.pids === undefined ? [] : ['pids'],
		].flat();
		const missing = wanted.filter((controller) => !existsSync(path.join(this.dir, `${controller}.max`)));
		if (missing.length > 0)
			throw new LimitsUnavailable(
				`its limits need the control group controller ${missing.join(' and ')}, which this host does not give the agent`,
			);
		this.#limits = limits;
	}

	/** The agent comes in, to bear a process; its own threads must not count against the run's while it is there. */
	enter(): void {
		this.state = 'occupied';
		if (this.#limits.pids !== undefined) writeFileSync(path.join(this.dir, 'pids.max'), 'max', { flag: 'r+' });
	}

	/** The agent is not in it any more. */
	left(): void {
		this.state = 'free';
		this.#settle(this.#limit());
	}

	async #limit(): Promise<void> {
		const { cpus, memory_mib, pids } = this.#limits;
		// So much of each tenth of a second, over all processors.
		if (cpus !== undefined)
			await writeFile(
				path.join(this.dir, 'cpu.max'),
				`${String(Math.round(cpus * CPU_PERIOD_US))} ${String(CPU_PERIOD_US)}`,
			);
		if (memory_mib !== undefined) await writeFile(path.join(this.dir, 'memory.max'), String(memory_mib * 1_048_576));
		if (pids !== undefined) await writeFile(path.join(this.dir, 'pids.max'), String(pids));
	}

	/** The agent could not be moved into it, or out of it: it says nothing of the run, and holds it to nothing. */
	lose(): void {
		this.state = 'lost';
		const held = Object.values(this.#limits).some((limit) => limit !== undefined);
		this.#settle(held ? Promise.reject(new Error('the agent could not be moved')) : Promise.resolve());
	}

	#settle(done: Promise<void>): void {
		done.catch(() => undefined);
		this.#setLimits(done);
	}

	remove(): void {
		try {
			rmdirSync(this.dir);
		} catch {
			// Groups the run made below it, or the kernel a moment behind: an empty one costs nothing, and is swept at the next start.
		}
	}
}

/** Starts a process of the agent's own. */
export type Aside = <T>(spawn: () => T) => Promise<T>;

interface Birth {
	group: Cgroup;
	bear: () => void;
	fail: (error: unknown) => void;
}

/**
 * The groups of an agent's runs. A process is born in its parent's group, and the kernel may take ten milliseconds and more to move one
 * (much less right after another move), which must not come between a click and the first line. So the agent waits inside the group that
 * the next run will get, and moves on, without anyone waiting for it, once that run is born.
 */
export class Cgroups {
	readonly #base: string;
	readonly #tag: string;
	#made = 0;
	/** Where the agent is; null: where it was started. */
	#at: Cgroup | null = null;
	/** The group the agent waits in, or is on its way to, and that no run has taken yet. */
	#spare: Cgroup | null = null;
	/** What the agent starts for itself is in this one. */
	#own: Cgroup | null = null;
	#births: Birth[] = [];
	#bearing: Promise<void> | null = null;

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
		groups.#spare = groups.#make();
		if (!groups.#spare) return null;
		await groups.#move(groups.#spare, false);
		if (groups.#at === null) return null;
		// Only now that the agent is in a group below: one with processes of its own cannot hand controllers down.
		// One by one: where the host gives only some of them, those are had.
		for (const controller of ['cpu', 'memory', 'pids'])
			await writeFile(path.join(base, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
		return groups;
	}

	/** A group for a new run; null when none can be made. Throws `LimitsUnavailable`. */
	take(limits: Limits): Cgroup | null {
		const group = this.#spare ?? this.#make();
		try {
			group?.hold(limits);
		} catch (error) {
			if (group !== this.#spare) group?.remove();
			throw error;
		}
		if (group === this.#spare) this.#spare = null;
		return group;
	}

	/** Takes back a group in which nothing was born: the agent may be waiting in it. */
	giveBack(group: Cgroup): void {
		// On its way elsewhere it leaves the group for good.
		if (this.#bearing)
			void this.#bearing.then(() => {
				this.giveBack(group);
			});
		else if (group === this.#at && !this.#spare) this.#spare = group;
		else group.remove();
	}

	/** Runs `spawn` while the agent is inside the run's group; the agent leaves it soon after. Rejects with what `spawn` throws. */
	inside<T>(group: Cgroup, spawn: () => T): Promise<T> {
		return new Promise((resolve, fail) => {
			const bear = () => {
				resolve(spawn());
			};
			this.#births.push({ group, bear, fail });
			this.#bearing ??= this.#bearAll();
		});
	}

	/** Runs `spawn` where the agent is in no run's group, present or to come: what it starts for itself is nobody's to end or to wait for. */
	async aside<T>(spawn: () => T): Promise<T> {
		this.#own ??= this.#make();
		return this.#own ? this.inside(this.#own, spawn) : spawn();
	}

	/** Leaves for good: the groups that are no run's go. */
	async close(): Promise<void> {
		await this.#bearing;
		const last = this.#at;
		await this.#move(null, false);
		last?.remove();
		this.#own?.remove();
	}

	async #bearAll(): Promise<void> {
		let heardAt = performance.now();
		let moved = false;
		for (let birth = this.#births.shift(); birth; birth = this.#births.shift()) {
			try {
				if (this.#at !== birth.group) {
					await this.#move(birth.group, moved);
					moved = true;
				}
				birth.bear();
			} catch (error) {
				birth.fail(error);
			}
			if (this.#births.length === 0) await this.#move((this.#spare ??= this.#make()), false);
			else if (performance.now() - heardAt > SERIES_MS) {
				await turn();
				heardAt = performance.now();
			}
		}
		this.#bearing = null;
	}

	/**
	 * When it fails the agent is where it was, and that group is no proof of anything any more.
	 * `at_once`: right after another one a move costs less than handing it to another thread.
	 */
	async #move(to: Cgroup | null, at_once: boolean): Promise<void> {
		const from = this.#at;
		if (to === from) return;
		try {
			to?.enter();
			const file = path.join(to?.dir ?? this.#base, 'cgroup.procs');
			if (at_once) writeFileSync(file, String(process.pid));
			else await writeFile(file, String(process.pid));
			this.#at = to;
			from?.left();
		} catch {
			to?.lose();
			from?.lose();
		}
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
