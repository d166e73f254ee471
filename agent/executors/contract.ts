import type { RunRecord } from '#protocol/run-record.ts';
import type { Tool } from '#domain/tool.ts';
import type { Handle, Told } from '../journal.ts';
import type { Reason } from '#domain/run-reason.ts';
import type { TargetHost } from '#domain/target.ts';
import type { Lane } from '../lane.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import type { Stream } from '#protocol/run-frames.ts';

/** One program to run, as an argument list: no shell ever reads what a person typed as a parameter. */
export interface Command {
	name: string;
	tool: Tool;
	argv: [string, ...string[]];
	env: Record<string, string>;
}

/** Everything an executor needs of a run. */
export interface Task {
	/** Names the run on this host: unique, and safe in a file name. */
	name: string;
	project_id: number;
	execution: RunSpec['execution'];
	commands: Command[];
	/** Which of the targets it is for; null: all of them. */
	hosts: readonly string[] | null;
	/** On this host: the directory that holds the run's files (gone for one that is adopted), and the one that holds its secrets (null: it has none). */
	dir: string;
	secrets: string | null;
	/** Where a command begins, as its processes see it. */
	cwd: string;
	/** How long it may take, and between the signals that end it. */
	timeout_s: number;
	grace_s: number;
	/** In the environment of every command, as `UHUB_RUN_MARK`. */
	mark: string;
	run_as: { uid: number; gid: number } | null;
	/** Of a run that is a request: what it is called, what it says, and the token in it that a callback needs (null: none is asked for). */
	request?: { id: string; body: string; token: string | null };
}

/** A process has these two. */
export type OutputStream = typeof Stream.stdout | typeof Stream.stderr;

export interface Output {
	/** Takes bytes. A promise means: enough for now, go on when it resolves. */
	write(stream: OutputStream, bytes: Buffer): Promise<void> | undefined;
	/** A line of the agent's own in the log. */
	note(stream: OutputStream, text: string): void;
	/** What happened, for the hub to know and not only for people to read. */
	record(record: RunRecord): void;
	/** Something now lives that a later agent process would have to end. */
	spawned(pid: number): void;
	/** Something may live on another host from now on, or does no more. Durable when it resolves. */
	onHost(host: TargetHost, there: boolean): Promise<void>;
	/** A host's own way into the log, where there are several. */
	lane(host: string): Lane;
	/** How much was told so far. For backends whose runs outlive the agent. */
	told(): Promise<Told>;
	/**
	 * Step `n` may start, or be told of, when it resolves. A later process of the agent has it told again from `at`, and leaves out what is
	 * known. `mark`: by what its backend knows that it has the beginning of what was said.
	 */
	begin(n: number, at: Told, mark?: string): Promise<void>;
}

/** How it went. `failed`: for a reason only its backend knows. `lost`: nobody can know whether it still lives. `not_started`: the first or a later program could not be started.
 * `broken`: what it said can no longer be followed. */
export type Exit =
	| { kind: 'exit'; code: number }
	| { kind: 'failed'; reason: Reason; code: number | null }
	| { kind: 'lost'; reason: Reason }
	| { kind: 'signal'; signal: string }
	| { kind: 'not_started'; message: string }
	| { kind: 'broken'; message: string };
/** It was asked for elsewhere, where it goes on. */
export interface GoesOn {
	kind: 'goes_on';
}
/** Nothing of it was started. */
export const STOPPED: Exit = { kind: 'not_started', message: 'it was stopped before it started' };

/** The run cannot be carried out here as it was asked for; the reason says why. Nothing was started. */
export class NotPrepared extends Error {
	readonly reason: Reason;

	constructor(message: string, code: Reason['code'] = 'start_failed') {
		super(message);
		this.reason = { code, message: message.slice(0, 500) };
	}
}

/** One run being carried out: start → wait → clean up, with `stop` at any time, also before the start and after the end. */
export interface Execution {
	/** The control group it will be in, for `reap`; null without one. */
	readonly cgroup: string | null;
	/** Begins. Never throws: what goes wrong is the `Exit`. */
	start(output: Output): void;
	/** Resolves when it is over: nothing of it lives, and all it said was given to the output. */
	wait(): Promise<Exit | GoesOn>;
	/** INT, then TERM, then KILL, `grace_ms` apart. Resolves when nothing of it lives. May be called again. */
	stop(grace_ms: number): Promise<void>;
	/** Gives back what `prepare` took. */
	cleanUp(): Promise<void>;
}

/** Where a run's processes see what lies elsewhere on this host. */
export interface Seen {
	dir: string;
	secrets: string;
}

export interface Executor {
	/** Null: its processes see everything where it is. `name` is the task's. */
	seen(name: string): Seen | null;
	/** Makes everything ready, starts nothing. May take its time, and say so in the log; ends early when `stopped` is. Throws `NotPrepared`. */
	prepare(task: Task, output: Output, stopped: AbortSignal): Execution | Promise<Execution>;
	/** After the agent's own death: ends what still lives of a run, and resolves when nothing does. Throws `NotReaped`. */
	reap(handle: Handle, left: Left): Promise<void>;
	/**
	 * After the agent's own death, where runs outlive it: goes on with one. The step that had begun is not started again, but told of
	 * again, from its name on; the steps after it are carried out.
	 */
	adopt?(task: Task, began: Begun): Execution;
	/** Where runs outlive the agent: removes what is left of all others than those wanted. */
	sweep?(wanted: (name: string) => boolean): Promise<void>;
}

/** The last step that may have started; 0: none. */
export interface Begun {
	n: number;
	mark: string | null;
}

/** What a run may have left: processes here that it started, hosts it was on. */
export interface Left {
	leaders: readonly number[];
	hosts: readonly TargetHost[];
}

/** Something may still live where it cannot be reached; the message says where. */
export class NotReaped extends Error {}
