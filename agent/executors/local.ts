import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stream } from '#protocol/run-frames.ts';
import { Cgroup, type Cgroups, type Limits, LimitsUnavailable } from '../cgroup.ts';
import { codeOf } from '../failure.ts';
import type { Handle } from '../journal.ts';
import {
	type Command,
	type Execution,
	type Executor,
	type Exit,
	NotPrepared,
	type Output,
	STOPPED,
	type Task,
} from './contract.ts';
import { Family } from './family.ts';
import { inOrder } from './in-order.ts';
import { KILLED, outOfMemory } from './out-of-memory.ts';
import { closed, follow } from './pipes.ts';

/** What a script left running may finish by itself, before it is ended: a `tee` at the end of a pipe needs a moment. */
const LEFTOVER_MS = 1000;
/** How long the pipes are read on after the script's exit before it is asked who still holds them. */
const LAST_WORDS_MS = 20;

/** Child processes of the agent: argument lists, a session and, where there are `groups`, a control group of their own. */
export const local = (groups: Cgroups | null): Executor => ({
	seen: () => null,
	prepare: (task) => new LocalExecution(task, groups),
	async reap(handle: Handle, { leaders }) {
		const family = Family.of(handle, leaders);
		if (family?.alive(true)) await family.end(0);
		if (handle.cgroup !== null) Cgroup.at(handle.cgroup)?.remove();
	},
});

interface Born {
	child: ChildProcess;
	ended: Promise<Exit>;
}

class LocalExecution implements Execution {
	readonly #task: Task;
	readonly #groups: Cgroups | null;
	readonly #group: Cgroup | null;
	readonly #family: Family;
	#exit: Promise<Exit> | null = null;
	#stopping = false;
	#born = false;

	constructor(task: Task, groups: Cgroups | null) {
		const { execution } = task;
		this.#task = task;
		const limits: Limits = (execution.backend === 'local' && execution.config.limits) || {};
		this.#groups = groups;
		try {
			this.#group = groups?.take(limits) ?? null;
			if (!this.#group && Object.keys(limits).length > 0)
				throw new LimitsUnavailable(
					'its limits need control groups (cgroup v2), which this host does not give the agent',
				);
		} catch (error) {
			if (error instanceof LimitsUnavailable) throw new NotPrepared(error.message);
			throw error;
		}
		this.#family = new Family(task.mark, this.#group);
	}

	get cgroup(): string | null {
		return this.#group?.dir ?? null;
	}

	start(output: Output): void {
		this.#exit = inOrder(this.#task.commands, output, {
			stopping: () => this.#stopping,
			run: (command) => this.#run(command, output),
		});
	}

	wait(): Promise<Exit> {
		return this.#exit ?? Promise.resolve(STOPPED);
	}

	/** A second call may be less patient than the first. */
	stop(grace_ms: number): Promise<void> {
		this.#stopping = true;
		return this.#born ? this.#family.end(grace_ms) : Promise.resolve();
	}

	cleanUp(): Promise<void> {
		if (this.#born) this.#group?.remove();
		else if (this.#group) this.#groups?.giveBack(this.#group);
		return Promise.resolve();
	}

	async #run(command: Command, output: Output): Promise<Exit> {
		// A stop that comes while it waits for its turn to be born finds nobody to end: it must not be born then.
		const bear = () => (this.#stopping ? null : this.#spawn(command));
		const born = this.#groups && this.#group ? await this.#groups.inside(this.#group, bear) : bear();
		if (!born) return STOPPED;
		const { child, ended } = born;
		if (child.pid === undefined || !child.stdout || !child.stderr) return ended;
		output.spawned(child.pid);
		let unlimited = false;
		this.#group?.limited.catch(() => {
			unlimited = true;
			void this.stop(0);
		});
		const streams = [child.stdout, child.stderr];
		const drained = Promise.all([
			follow(child.stdout, (bytes) => output.write(Stream.stdout, bytes)),
			follow(child.stderr, (bytes) => output.write(Stream.stderr, bytes)),
		]);

		const exit = await ended;
		// Its last words first: looking for leftovers takes long enough to be seen.
		await Promise.race([drained, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
		await this.#endLeftovers(command, output);
		await closed(streams, drained, () => {
			for (const pipe of streams) pipe.destroy();
		});
		if (unlimited) return { kind: 'not_started', message: 'its limits could not be set' };
		const killed = exit.kind === 'signal' ? exit.signal === 'SIGKILL' : exit.kind === 'exit' && exit.code === KILLED;
		return killed && this.#group?.outOfMemory() ? outOfMemory(exit.kind === 'exit' ? exit.code : null) : exit;
	}

	/** In a session and group of its own. It may fail at once, so whoever listens must do so before anything is awaited. */
	#spawn(command: Command): Born {
		const [program, ...args] = command.argv;
		const { cwd, run_as } = this.#task;
		const child = spawn(program, args, {
			cwd,
			env: command.env,
			detached: true,
			stdio: ['ignore', 'pipe', 'pipe'],
			...(run_as ? { uid: run_as.uid, gid: run_as.gid } : {}),
		});
		this.#born = true;
		if (child.pid !== undefined) this.#family.add(child.pid);
		const ended = new Promise<Exit>((resolve) => {
			child.once('error', (error) => {
				resolve({ kind: 'not_started', message: whyNot(error, command.name) });
			});
			child.once('exit', (code, signal) => {
				resolve(code === null ? { kind: 'signal', signal: signal ?? 'unknown' } : { kind: 'exit', code });
			});
		});
		return { child, ended };
	}

	/** A run's end is the end of all it started. */
	async #endLeftovers({ tool }: Command, output: Output): Promise<void> {
		// Ansible keeps its connections open for whoever comes next, and nobody does.
		const expected = tool === 'ansible';
		if (await this.#family.gone(expected ? 0 : LEFTOVER_MS, false)) return;
		if (!this.#stopping && !expected)
			output.note(Stream.stderr, 'uhub: the script ended and left processes running; they are ended now');
		await this.#family.end(LEFTOVER_MS);
	}
}

function whyNot(error: Error, name: string): string {
	const code = codeOf(error);
	const because: Record<string, string> = {
		ENOENT: 'its program, or the one in its first line, is not on this host',
		EACCES: 'this host does not allow to execute it (a noexec file system, or a directory that run_as may not enter)',
		EPERM: 'this host does not let the agent become the user that run_as names',
		EAGAIN: 'this host has no room for another process',
		E2BIG: 'its parameters are too long',
	};
	return `${name} could not be started: ${because[code] ?? code}`;
}
