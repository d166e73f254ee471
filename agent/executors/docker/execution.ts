import { setTimeout as sleep } from 'node:timers/promises';
import { Stream } from '#protocol/run-frames.ts';
import { messageOf } from '../../failure.ts';
import type { Told } from '../../journal.ts';
import {
	type Command,
	type Execution,
	type Exit,
	NotPrepared,
	type Output,
	type OutputStream,
	STOPPED,
	type Task,
} from '../contract.ts';
import { inOrder } from '../in-order.ts';
import { KILLED, outOfMemory } from '../out-of-memory.ts';
import { containerName } from './container.ts';
import type { Containers } from './containers.ts';
import { Demux } from './demux.ts';
import { type ContainerState, type Engine, EngineError } from './engine.ts';
import { asNotPrepared } from './failure.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGKILL'] as const;
/** How long to wait before killing again, and before asking an engine again that is away. */
const AGAIN_MS = 500;
/** How long a run that is to end may stay out of sight before nobody can say any more that it ended. */
const OUT_OF_SIGHT_MS = 300_000;

const lost = (message: string): Exit => ({ kind: 'lost', reason: { code: 'agent_lost', message } });

/** A run whose steps are containers, one after the other; `began` says which of them an earlier process of the agent had come to. */
export class DockerExecution implements Execution {
	readonly cgroup = null;
	readonly #engine: Engine;
	readonly #containers: Containers;
	readonly #task: Task;
	readonly #began: number;
	/** The step whose container may be running; 0: none. */
	#step = 0;
	/** The last signal of a stop: what starts after it gets it as well. */
	#signal: NodeJS.Signals | null = null;
	#over = false;
	#exit: Promise<Exit> | null = null;
	#giveUp: (exit: Exit) => void = () => undefined;

	constructor(engine: Engine, containers: Containers, task: Task, began: number) {
		this.#engine = engine;
		this.#containers = containers;
		this.#task = task;
		this.#began = began;
	}

	start(output: Output): void {
		let at: Told | null = null;
		const run = inOrder(this.#task.commands, output, {
			stopping: () => this.#signal !== null,
			before: async () => {
				at = await output.told();
				return null;
			},
			run: (command, n) => this.#run(command, n, at, output),
			about: () => ({ ...(this.#containers.image !== null && { image: this.#containers.image }) }),
			began: this.#began,
		});
		const gaveUp = new Promise<Exit>((resolve) => (this.#giveUp = resolve));
		this.#exit = Promise.race([run, gaveUp]).finally(() => (this.#over = true));
	}

	wait(): Promise<Exit> {
		return this.#exit ?? Promise.resolve(STOPPED);
	}

	async stop(grace_ms: number): Promise<void> {
		for (const signal of SIGNALS) {
			this.#signal = signal;
			if (!this.#exit || this.#over) return;
			await this.#send(signal);
			await Promise.race([this.#exit, sleep(signal === 'SIGKILL' ? AGAIN_MS : grace_ms, undefined, { ref: false })]);
		}
		for (let waited = 0; !this.#over && waited < OUT_OF_SIGHT_MS; waited += AGAIN_MS) {
			await this.#send('SIGKILL');
			await Promise.race([this.#exit, sleep(AGAIN_MS, undefined, { ref: false })]);
		}
		this.#giveUp(lost('the engine does not say whether its container still lives'));
	}

	cleanUp(): Promise<void> {
		return this.#containers.remove();
	}

	async #send(signal: NodeJS.Signals): Promise<void> {
		if (this.#step === 0) return;
		// Not running yet, or an engine that is away: the next signal, or the start, sees to it.
		await this.#engine.kill(containerName(this.#task.name, this.#step), signal).catch(() => undefined);
	}

	/** `at`: where the log stood before it; null: it may run already. Whatever goes wrong, nothing of the step lives when it resolves, or the run is lost. */
	async #run(command: Command, n: number, at: Told | null, output: Output): Promise<Exit> {
		const name = containerName(this.#task.name, n);
		try {
			if (at === null) {
				this.#step = n;
				return await this.#follow(name, null, output);
			}
			if (n > 1) await this.#containers.create(n);
			const said = await this.#engine.attach(name);
			await output.begin(n, at);
			if (this.#signal !== null) return STOPPED;
			this.#step = n;
			const refusal = await this.#start(name);
			if (refusal !== null) return { kind: 'not_started', message: `${command.name} could not be started: ${refusal}` };
			// One that was sent before the start found nobody.
			if (this.#signal !== null) await this.#send(this.#signal);
			return await this.#follow(name, said, output);
		} catch (error) {
			const gone = await this.#engine.remove(name).then(
				() => true,
				() => false,
			);
			if (!gone) return lost(`its container could not be ended: ${messageOf(error)}`);
			return error instanceof EngineError || error instanceof NotPrepared
				? { kind: 'failed', reason: asNotPrepared(error).reason, code: null }
				: { kind: 'broken', message: messageOf(error) };
		}
	}

	/** Why it does not start; null where it does, or may: an engine that goes away just then does not say. */
	async #start(name: string): Promise<string | null> {
		try {
			await this.#engine.start(name);
		} catch (error) {
			if (!(error instanceof EngineError)) throw error;
			if (error.status !== null) return error.message;
		}
		return null;
	}

	/**
	 * From what a container says to its end. Where the engine goes away meanwhile, and with it what it was telling, all of it is read
	 * again from the beginning, and what was heard before is left out.
	 */
	async #follow(name: string, said: AsyncIterable<Buffer> | null, output: Output): Promise<Exit> {
		const heard = none();
		let whole = said !== null && (await this.#hear(name, said, heard, output));
		for (;;) {
			const state = await this.#state(name);
			if (state === null) return lost('Its container is gone, and with it what became of it.');
			if (state.Status === 'created') return lost('The agent or the engine went away just as it was to start.');
			if (whole && !state.Running) return exitOf(state, this.#signal !== null);
			const log = await this.#engine.log(name, state.Running).catch(unlessAway);
			const heardOut = log !== null && (await this.#hear(name, log, heard, output, { ...heard }));
			// Read to the end while it ran, its last words may not have been in it yet.
			whole = heardOut && !state.Running;
			if (!heardOut) await sleep(AGAIN_MS);
		}
	}

	/** Gives on what is said, but for what was heard before. True: to its end, and that is the container's. */
	async #hear(
		name: string,
		said: AsyncIterable<Buffer>,
		heard: Heard,
		output: Output,
		before = none(),
	): Promise<boolean> {
		const demux = new Demux();
		const enough = new AbortController();
		const ended = this.#engine.ended(name, enough.signal).then(
			() => true,
			() => false,
		);
		try {
			for await (const bytes of said)
				for (const { stream, bytes: piece } of demux.push(bytes)) {
					const again = Math.min(before[stream], piece.length);
					before[stream] -= again;
					heard[stream] += piece.length - again;
					if (again < piece.length) await output.write(stream, piece.subarray(again));
				}
			// Nothing more comes, though it lives on: it is asked again.
			return await Promise.race([ended, sleep(AGAIN_MS, false, { ref: false })]);
		} catch (error) {
			unlessAway(error);
			return false;
		} finally {
			// An engine that ends its answers early is asked often: none of the questions stays open.
			enough.abort();
		}
	}

	/** Null: there is no such container. Waits for an engine that is away, until the run is given up. */
	async #state(name: string): Promise<ContainerState | null> {
		while (!this.#over) {
			try {
				return (await this.#engine.container(name))?.state ?? null;
			} catch (error) {
				if (!(error instanceof EngineError)) throw error;
			}
			await sleep(AGAIN_MS);
		}
		return null;
	}
}

type Heard = Record<OutputStream, number>;
const none = (): Heard => ({ [Stream.stdout]: 0, [Stream.stderr]: 0 });

function unlessAway(error: unknown): null {
	if (error instanceof EngineError && error.status === null) return null;
	throw error;
}

/** An engine hears of the memory on another way than of the end, and at times not at all. */
function exitOf({ ExitCode: code, OOMKilled }: ContainerState, signalled: boolean): Exit {
	if (code !== KILLED || (signalled && OOMKilled !== true)) return { kind: 'exit', code };
	if (OOMKilled === true) return outOfMemory(code);
	const message = 'It ended as what is killed does: most often for taking more memory than it may.';
	return { kind: 'failed', reason: { code: 'signal', message }, code };
}
