import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'ssh2';
import type { TargetHost } from '#domain/target.ts';
import { Stream } from '#protocol/run-frames.ts';
import type { Lane } from '../../lane.ts';
import { type Command, type Exit, type Output, type Seen, STOPPED, type Task } from '../contract.ts';
import { stepEnded } from '../step-ended.ts';
import { HostFailure } from './failure.ts';
import { commandThere, type Place, placeOn } from './place.ts';
import { startCommand } from './remote-command.ts';
import { RemoteFamily } from './remote-family.ts';
import { RemoteFiles } from './remote-files.ts';
import type { WayIn } from './way-in.ts';

/** What a script left running may finish by itself, before it is ended. */
const LEFTOVER_MS = 1000;
/** How long output is read on after the script's exit before it is asked who still holds it. */
const LAST_WORDS_MS = 20;
/** How long it is tried to reach a host again that was lost with something running, and how often. */
const AGAIN_FOR_MS = 30_000;
const AGAIN_EVERY_MS = 2_000;

/** A run on one of its hosts: the commands in their order, until one fails. */
export class HostRun {
	readonly #host: TargetHost;
	readonly #task: Task;
	readonly #way: WayIn;
	readonly #seen: Seen;
	readonly #place: Place;
	readonly #output: Output;
	readonly #lane: Lane;
	readonly #stopping = new AbortController();
	/** Something may live there. */
	#alive = false;
	#family: RemoteFamily | null = null;
	#client: Client | null = null;
	#over: Promise<Exit> | null = null;

	constructor(host: TargetHost, task: Task, way: WayIn, seen: Seen, output: Output) {
		this.#host = host;
		this.#task = task;
		this.#way = way;
		this.#seen = seen;
		this.#place = placeOn(host.name, seen, task.mark);
		this.#output = output;
		this.#lane = output.lane(host.name);
	}

	/** Resolves when nothing of it lives there, or nobody can know. Never rejects. */
	run(): Promise<Exit> {
		this.#over ??= this.#carryOut();
		return this.#over;
	}

	/** INT, TERM, KILL, `grace_ms` apart. Resolves as `run` does. */
	async stop(grace_ms: number): Promise<void> {
		this.#stopping.abort();
		await this.#end(grace_ms);
		// A shell there that never begins and never ends.
		const late = setTimeout(() => this.#client?.destroy(), this.#way.timeout_ms);
		await this.#over;
		clearTimeout(late);
	}

	async #carryOut(): Promise<Exit> {
		const { name } = this.#host;
		let exit: Exit;
		let n = 0;
		const begin = ({ name: step, tool }: Command) => {
			this.#output.record({ type: 'step_started', n: ++n, host: name, name: step, tool });
		};
		const [first, ...rest] = this.#task.commands;
		if (!first) return STOPPED;
		begin(first);
		try {
			const client = await this.#reach();
			await new RemoteFiles(client, this.#place).put(this.#task, this.#stopping.signal);
			exit = await this.#do(client, first);
			for (const command of rest) {
				if (!ended(exit)) break;
				this.#output.record(stepEnded(n, name, exit, this.#stopping.signal.aborted));
				begin(command);
				exit = await this.#do(client, command);
			}
		} catch (error) {
			if (!(error instanceof HostFailure) && !this.#stopping.signal.aborted) throw error;
			exit = error instanceof HostFailure ? await this.#failed(error) : STOPPED;
		}
		this.#lane.end();
		await this.#leave();
		this.#output.record(stepEnded(n, name, exit, this.#stopping.signal.aborted));
		return exit;
	}

	async #reach(): Promise<Client> {
		const noted = this.#output.onHost(this.#host, true).then(
			() => true,
			() => false,
		);
		const client = await this.#way.connect(this.#host, this.#stopping.signal);
		this.#use(client);
		if (!(await noted)) throw new HostFailure('start_failed', 'The agent cannot write to its disk.');
		return client;
	}

	#use(client: Client): void {
		this.#client = client;
		this.#family = new RemoteFamily(client, this.#place.mark);
	}

	async #do(client: Client, command: Command): Promise<Exit> {
		if (this.#stopping.signal.aborted) return STOPPED;
		this.#alive = true;
		const there = commandThere(command, this.#host.name, this.#seen, this.#place);
		const started = await startCommand(client, there, this.#place.dir, this.#lane);
		const pid = await started.begun;
		if (pid !== null) this.#family?.add(pid);
		// A stop that came before it could be found.
		if (this.#stopping.signal.aborted) void this.#end(0);
		const exit = await started.exited;
		if (!exit) throw new HostFailure('host_unreachable', 'The connection to the host was lost while it ran.');
		await Promise.race([started.drained, sleep(LAST_WORDS_MS, undefined, { ref: false })]);
		await this.#endLeftovers();
		await started.finish();
		this.#lane.end();
		if (pid !== null) return exit;
		return {
			kind: 'not_started',
			message: `${command.name} could not be started on ${this.#host.name}: its shell ended before`,
		};
	}

	/** A run's end is the end of all it started. */
	async #endLeftovers(): Promise<void> {
		if (!(await this.#family?.gone(LEFTOVER_MS))) {
			if (!this.#stopping.signal.aborted) this.#note('the script ended and left processes running; they are ended now');
			await this.#family?.end(LEFTOVER_MS);
		}
		this.#alive = false;
	}

	/** What fails here is seen by the one who waits for the command. */
	async #end(grace_ms: number): Promise<void> {
		await this.#family?.end(grace_ms).catch(() => this.#client?.destroy());
	}

	/** The host was lost. Where something may live there it is reached again to end it; where that cannot be, nobody can know. */
	async #failed({ reason }: HostFailure): Promise<Exit> {
		if (!this.#alive) return { kind: 'failed', reason, code: null };
		this.#note(`${reason.message} Trying to reach it again`);
		const until = performance.now() + AGAIN_FOR_MS;
		for (;;) {
			try {
				this.#use(await this.#way.connect(this.#host, AbortSignal.timeout(AGAIN_FOR_MS)));
				await this.#family?.end(LEFTOVER_MS);
				this.#alive = false;
				return { kind: 'failed', reason, code: null };
			} catch (error) {
				if (!(error instanceof HostFailure)) throw error;
				if (performance.now() > until)
					return { kind: 'lost', reason: { ...reason, message: `${reason.message} It may still run there.` } };
			}
			await sleep(AGAIN_EVERY_MS);
		}
	}

	/** Removes what was put there. */
	async #leave(): Promise<void> {
		const client = this.#client;
		try {
			if (client) await new RemoteFiles(client, this.#place).remove();
			if (!this.#alive) await this.#output.onHost(this.#host, false).catch(() => undefined);
		} catch (error) {
			if (!(error instanceof HostFailure)) throw error;
			this.#note(error.reason.message);
		} finally {
			client?.end();
		}
	}

	#note(text: string): void {
		this.#output.note(Stream.stderr, `[${this.#host.name}] uhub: ${text}`);
	}
}

const ended = (exit: Exit): boolean => exit.kind === 'exit' && exit.code === 0;
