import { type ChildProcess, spawn } from 'node:child_process';
import { type Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stream } from '#protocol/run-frames.ts';
import { Cgroup, LimitsUnavailable } from '../cgroup.ts';
import { codeOf } from '../failure.ts';
import type { Handle } from '../journal.ts';
import {
	type Command,
	type Execution,
	type Executor,
	type Exit,
	NotPrepared,
	type Output,
	type Task,
} from './contract.ts';
import { Family } from './family.ts';

/** What a script left running may finish by itself, before it is ended: a `tee` at the end of a pipe needs a moment. */
const LEFTOVER_MS = 1000;
/** After every process is gone, how long a pipe may still be held open by someone who is none of ours. */
const DRAIN_MS = 2000;

/** Child processes of the agent: argument lists, a session and, where it can, a control group of their own. */
export const local: Executor = {
	prepare: (task) => new LocalExecution(task),
	async reap(handle: Handle, leaders) {
		const family = Family.of(handle, leaders);
		if (family?.alive()) await family.end(0);
		if (handle.cgroup !== null) Cgroup.at(handle.cgroup)?.remove();
	},
};

class LocalExecution implements Execution {
	readonly #task: Task;
	readonly #cgroup: Cgroup | null;
	readonly #family: Family;
	#exit: Promise<Exit> | null = null;
	#stopping = false;

	constructor(task: Task) {
		const { execution } = task;
		this.#task = task;
		try {
			this.#cgroup = Cgroup.create(task.name, (execution.backend === 'local' && execution.config.limits) || {});
		} catch (error) {
			if (error instanceof LimitsUnavailable) throw new NotPrepared(error.message);
			throw error;
		}
		this.#family = new Family(task.mark, this.#cgroup);
	}

	get cgroup(): string | null {
		return this.#cgroup?.dir ?? null;
	}

	start(output: Output): void {
		this.#exit = this.#carryOut(output);
	}

	wait(): Promise<Exit> {
		return this.#exit ?? Promise.resolve({ kind: 'not_started', message: 'it was stopped before it started' });
	}

	/** A second call may be less patient than the first. */
	stop(grace_ms: number): Promise<void> {
		this.#stopping = true;
		return this.#family.end(grace_ms);
	}

	cleanUp(): void {
		this.#cgroup?.remove();
	}

	/** The commands in their order, until one fails. */
	async #carryOut(output: Output): Promise<Exit> {
		let exit: Exit = { kind: 'exit', code: 0 };
		const { commands } = this.#task;
		for (const [n, command] of commands.entries()) {
			if (this.#stopping) return { kind: 'signal', signal: 'SIGINT' };
			if (commands.length > 1)
				output.note(`── ${String(n + 1)}/${String(commands.length)} ${command.name.replace(/\p{C}/gu, '')}`);
			exit = await this.#run(command, output);
			if (exit.kind !== 'exit' || exit.code !== 0) return exit;
		}
		return exit;
	}

	async #run(command: Command, output: Output): Promise<Exit> {
		const [program, ...args] = command.argv;
		const { cwd, run_as } = this.#task;
		const begin = (): ChildProcess =>
			spawn(program, args, {
				cwd,
				env: command.env,
				detached: true,
				stdio: ['ignore', 'pipe', 'pipe'],
				...(run_as ? { uid: run_as.uid, gid: run_as.gid } : {}),
			});
		const child = this.#cgroup ? this.#cgroup.inside(begin) : begin();
		const ended = new Promise<Exit>((resolve) => {
			child.once('error', (error) => {
				resolve({ kind: 'not_started', message: whyNot(error, command.name) });
			});
			child.once('exit', (code, signal) => {
				resolve(code === null ? { kind: 'signal', signal: signal ?? 'unknown' } : { kind: 'exit', code });
			});
		});
		if (child.pid === undefined || !child.stdout || !child.stderr) return ended;
		this.#family.add(child.pid);
		output.spawned(child.pid);
		const streams = [child.stdout, child.stderr];
		const drained = Promise.all([
			follow(child.stdout, Stream.stdout, output),
			follow(child.stderr, Stream.stderr, output),
		]);

		const exit = await ended;
		await this.#endLeftovers(output);
		await closed(streams, drained);
		return exit;
	}

	/** A run's end is the end of all it started. */
	async #endLeftovers(output: Output): Promise<void> {
		if (await this.#family.gone(LEFTOVER_MS)) return;
		if (!this.#stopping) output.note('uhub: the script ended and left processes running; they are ended now');
		await this.#family.end(LEFTOVER_MS);
	}
}

/** Gives a pipe's bytes to the output, no faster than it takes them. Resolves at the pipe's end. */
function follow(pipe: Readable, stream: Stream, output: Output): Promise<void> {
	return new Promise((resolve) => {
		pipe.on('data', (bytes: Buffer) => {
			const enough = output.write(stream, bytes);
			if (!enough) return;
			pipe.pause();
			void enough.then(() => pipe.resume());
		});
		pipe.once('close', resolve);
		pipe.once('error', () => pipe.destroy());
	});
}

/** Waits for the pipes' ends; one that nobody of the run holds any more, and that says nothing, is let go. */
async function closed(pipes: readonly Readable[], drained: Promise<unknown>): Promise<void> {
	let over = false;
	let heard = 0;
	const done = drained.then(() => (over = true));
	for (const pipe of pipes) pipe.on('data', () => heard++);
	for (let before = -1; !over;) {
		if (heard === before && !pipes.some((pipe) => pipe.isPaused())) for (const pipe of pipes) pipe.destroy();
		before = heard;
		await Promise.race([done, sleep(DRAIN_MS, undefined, { ref: false })]);
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
