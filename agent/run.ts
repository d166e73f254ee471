import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Finish, FromAgent, KnownRun } from '#protocol/agent.ts';
import { RECORDS_SINCE } from '#protocol/version.ts';
import { Stream } from '#protocol/run-frames.ts';
import { type RunSpec, SshSetup } from '#protocol/run-spec.ts';
import type { Execution, Executor, Exit, Output } from './executors/contract.ts';
import { messageOf } from './failure.ts';
import { type Handle, type Journal, keyOf } from './journal.ts';
import type { Log } from './log.ts';
import { LogStreamer } from './log-streamer.ts';
import type { Forms } from './mask.ts';
import { type EndReason, outcomeOf, type StopReason, whyUnstartable } from './outcome.ts';
import { type Prepared, prepareRun, type Surroundings, Unstartable } from './preparation.ts';
import { bootId } from './processes.ts';
import { Sender } from './sender.ts';
import type { Ledger } from './signatures.ts';
import { type Budget, Spool } from './spool.ts';

/** What a run needs of the agent around it. */
export interface Agent extends Surroundings {
	journal: Journal;
	/** The hub's origin, as it was named at the enrolment. */
	hub: string;
	ledger: Ledger;
	budget: Budget;
	/** Those this agent has. */
	executors: Partial<Record<RunSpec['execution']['backend'], Executor>>;
	log: Log;
	/** Milliseconds UTC. */
	now: () => number;
	/** The protocol the hub speaks; null before it was reached. Hubs before 2 know no records. */
	protocol: () => number | null;
	/** Both drop what cannot be sent: after a reconnect everything that matters is said again. */
	send: (frame: FromAgent) => void;
	sendChunk: (chunk: Uint8Array) => void;
}

/** A run as the worker deals with it, whether it lives or is only remembered. */
export interface HeldRun {
	readonly run_id: number;
	readonly epoch: number;
	/** It takes up capacity. */
	readonly active: boolean;
	/** Nothing of it lives, and its end is in the journal. */
	readonly over: Promise<void>;
	/** The hub has its end, and it is forgotten. */
	readonly gone: Promise<void>;
	known(): KnownRun;
	grant(): void;
	/** The hub has everything before `next_seq`. */
	resume(next_seq: number): void;
	/** The hub is away. */
	pause(): void;
	ack(seq: number): void;
	stop(why: StopReason): void;
	/** It is not this agent's any more: end it, tell nobody. */
	drop(): void;
	/** The hub has the finish. */
	finished(): void;
}

/** An agent that is told to stop has ten seconds in all. */
const LEAVING_GRACE_MS = 2500;
/** SHA-256 of nothing: the log of a run that said nothing. */
const EMPTY_SHA256 = createHash('sha256').digest('hex');

type FrameOf<T extends FromAgent['type']> = Omit<Extract<FromAgent, { type: T }>, 'run_id' | 'epoch'>;

const stoppedEarly = () => new Unstartable('start_failed', 'it was stopped before it started');
const iso = (ms: number): string => new Date(ms).toISOString();

/** One run, from its offer to the hub's word that it has the end of it. */
export class Run implements HeldRun {
	readonly run_id: number;
	readonly epoch: number;
	readonly spec: RunSpec;
	readonly gone: Promise<void>;
	readonly #agent: Agent;
	readonly #name: string;
	#forgotten: () => void = () => undefined;
	#phase: 'accepted' | 'not_started' | 'started' | 'exited' | 'gone' = 'accepted';
	#need: string[] = [];
	#execution: Execution | null = null;
	/** Ends what is still being made ready. */
	readonly #stopping = new AbortController();
	#spool: Spool | null = null;
	#sender: Sender | null = null;
	#streamer: LogStreamer | null = null;
	#finish: Finish | null = null;
	/** From where the hub wants the log; null while it is away. */
	#resumeAt: number | null = 1;
	#end: EndReason | null = null;
	#exited = false;
	#life: Promise<void> = Promise.resolve();

	constructor(spec: RunSpec, epoch: number, agent: Agent) {
		this.run_id = spec.run_id;
		this.epoch = epoch;
		this.spec = spec;
		this.#agent = agent;
		this.#name = `${agent.home.tag}-${keyOf(this)}`;
		this.gone = new Promise((resolve) => (this.#forgotten = resolve));
	}

	get over(): Promise<void> {
		return this.#life;
	}

	get active(): boolean {
		return this.#phase === 'accepted' || this.#phase === 'started';
	}

	/** Writes it down and accepts; the journal's sync comes first. */
	async accept(): Promise<void> {
		const { journal, scripts } = this.#agent;
		try {
			const { steps, inventory } = this.spec;
			const sent = steps.flatMap((s) => (s.location_type === 'uploaded' ? [s] : []));
			const [need] = await Promise.all([
				scripts.missing([...sent, ...(inventory ? [inventory] : [])]),
				journal.append({ type: 'accepted', run_id: this.run_id, epoch: this.epoch }),
			]);
			this.#need = need;
		} catch (error) {
			this.#agent.log(`run ${keyOf(this)}: refused: ${messageOf(error)}`);
			this.#say({ type: 'refuse', reason: { code: 'start_failed', message: 'The agent cannot write to its disk.' } });
			this.#forget();
			return;
		}
		if (this.#phase === 'gone') await this.#cleaned(scripts.release(this.#need));
		else this.#say({ type: 'accept', need: this.#need });
	}

	known(): KnownRun {
		const phase = this.#phase === 'gone' ? 'exited' : this.#phase;
		return { run_id: this.run_id, epoch: this.epoch, phase, last_seq: this.#spool?.last_seq ?? 0 };
	}

	grant(): void {
		if (this.#phase !== 'accepted') return;
		this.#phase = 'started';
		this.#life = this.#live();
	}

	resume(next_seq: number): void {
		this.#resumeAt = next_seq;
		if (this.#sender) this.#sender.resume(next_seq);
		else if (this.#finish) this.#agent.send(this.#finish);
	}

	pause(): void {
		this.#resumeAt = null;
		this.#sender?.pause();
		// A script that was cut off is not sent again under the same offer.
		if (this.#phase === 'accepted' && !this.#agent.scripts.arrived(this.#need)) this.#phase = 'not_started';
	}

	ack(seq: number): void {
		this.#sender?.ack(seq);
	}

	stop(why: EndReason): void {
		if (this.#phase === 'accepted') {
			this.#phase = 'started';
			this.#end = why;
			this.#life = this.#live();
		}
		if (this.#exited || this.#phase !== 'started') return;
		this.#end ??= why;
		const grace_ms = this.spec.grace_s * 1000;
		this.#stopping.abort();
		void this.#execution?.stop(why === 'agent_stopped' ? Math.min(grace_ms, LEAVING_GRACE_MS) : grace_ms);
	}

	drop(): void {
		if (this.#phase === 'started') {
			this.#end = 'dropped';
			this.stop('dropped');
		} else this.#forget();
	}

	finished(): void {
		if (this.#phase === 'exited') this.#forget();
	}

	/** From the grant to the finish. Whatever happens, there is a finish. */
	async #live(): Promise<void> {
		let started_at: string | null = null;
		let exit: Exit | Unstartable;
		let prepared: Prepared | null = null;
		let timer: NodeJS.Timeout | undefined;
		try {
			if (this.#end) throw stoppedEarly();
			const mark = randomBytes(16).toString('hex');
			const { execution, hosts = null } = this.spec;
			const executor = this.#agent.executors[execution.backend];
			if (!executor) throw new Unstartable('bad_request', `this agent has no backend ${execution.backend}`);
			prepared = await prepareRun(
				this.spec,
				this.#name,
				mark,
				executor.seen(this.#name),
				this.#agent,
				this.#stopping.signal,
				this.#agent.now(),
			);
			const output = this.#outputTo(await this.#openLog(prepared.forms), prepared.commits);
			this.#noteSources(prepared.commits, output);
			const { commands, dir, secrets, cwd } = prepared;
			const { run_as } = this.#agent.policy;
			const { project_id } = this.spec;
			const task = { name: this.#name, project_id, execution, commands, hosts, dir, secrets, cwd, mark, run_as };
			timer = setTimeout(() => {
				this.stop('timeout');
			}, this.spec.timeout_s * 1000);
			this.#execution = await executor.prepare(task, output, this.#stopping.signal);
			started_at = await this.#writeStarted(mark, this.#execution.cgroup);
			if (this.#end) throw stoppedEarly();
			this.#execution.start(prepared.follower?.watch(output) ?? output);
			exit = await this.#execution.wait();
			if (prepared.follower && !this.#end)
				exit = await prepared.follower.concluded(exit, output, prepared.forms, this.#agent.now());
		} catch (error) {
			exit = whyUnstartable(error);
			this.#agent.log(`run ${keyOf(this)}: not started: ${messageOf(error)}`);
		}
		clearTimeout(timer);
		this.#exited = true;
		await this.#cleaned(prepared?.forgetSecrets());
		await this.#cleaned(this.#execution?.cleanUp());
		await this.#streamer?.end();
		if (this.#end === 'dropped') this.#forget();
		else await this.#report(exit, started_at);
		await this.#cleaned(prepared?.remove());
	}

	async #openLog(forms: Forms): Promise<LogStreamer> {
		const { home, budget, policy, now } = this.#agent;
		const spool = await Spool.create(path.join(home.spool, keyOf(this)), budget);
		const sender = new Sender(spool, {
			chunk: this.#agent.sendChunk,
			finish: () => {
				if (this.#finish) this.#agent.send(this.#finish);
			},
			onError: (error) => {
				this.#agent.log(`run ${keyOf(this)}: its log cannot be read back: ${messageOf(error)}`);
			},
		});
		const streamer = new LogStreamer({
			run_id: this.run_id,
			epoch: this.epoch,
			spool,
			forms,
			whenFull: policy.spool.when_full,
			now,
			onWritten: (chunks) => {
				sender.add(chunks);
			},
			onBroken: (error) => {
				this.#logBroke(error);
			},
		});
		this.#streamer = streamer;
		this.#spool = spool;
		this.#sender = sender;
		if (this.#resumeAt !== null) sender.resume(this.#resumeAt);
		return streamer;
	}

	/** The line that says "it may run from here on", on the disk before anything does. */
	async #writeStarted(mark: string, cgroup: string | null): Promise<string> {
		const at = iso(this.#agent.now());
		const { execution, project_id } = this.spec;
		const handle: Handle = { backend: execution.backend, boot: bootId(), mark, cgroup };
		if (execution.backend === 'ssh')
			handle.ssh = { name: this.#name, project_id, config: SshSetup.parse(execution.config) };
		if (this.#agent.policy.signatures) await this.#agent.ledger.started(this.spec);
		await this.#agent.journal.append({ type: 'started', run_id: this.run_id, epoch: this.epoch, at, handle });
		this.#say({ type: 'started', at });
		this.#agent.log(`run ${keyOf(this)}: started`);
		return at;
	}

	/** Which commit each script is of, at the beginning of the log. */
	#noteSources(commits: readonly (string | null)[], output: Output): void {
		for (const [n, commit] of commits.entries()) {
			const step = this.spec.steps[n];
			if (commit !== null && step?.location_type === 'git')
				output.note(Stream.stdout, `uhub: ${step.path} of ${step.url}, ${step.revision}: commit ${commit}`);
		}
	}

	#outputTo(streamer: LogStreamer, commits: readonly (string | null)[]): Output {
		const { run_id, epoch } = this;
		const records = (this.#agent.protocol() ?? 0) >= RECORDS_SINCE;
		return {
			write: (stream, bytes) => streamer.write(stream, bytes),
			note: (stream, text) => {
				streamer.note(stream, text);
			},
			record: (record) => {
				if (!records) return;
				const commit = record.type === 'step_started' ? commits[record.n - 1] : null;
				streamer.record(record.type === 'step_started' && commit ? { ...record, commit } : record);
			},
			spawned: (pid) => {
				this.#agent.journal.append({ type: 'spawned', run_id, epoch, pid }).catch(() => undefined);
			},
			onHost: (host, there) => this.#agent.journal.append({ type: 'on_host', run_id, epoch, host, there }),
			lane: (host) => streamer.lane(host),
		};
	}

	/** Journaled before it is sent. If the disk does not take it, it is sent all the same: the hub will remember. */
	async #report(exit: Exit | Unstartable, started_at: string | null): Promise<void> {
		const { outcome, exit_code, reason } = outcomeOf(exit, this.#end, this.spec.timeout_s);
		const finish: Finish = {
			type: 'finish',
			run_id: this.run_id,
			epoch: this.epoch,
			outcome,
			exit_code,
			reason,
			started_at,
			exited_at: iso(this.#agent.now()),
			last_seq: this.#spool?.last_seq ?? 0,
			bytes: this.#spool?.bytes ?? 0,
			sha256: this.#spool?.sha256() ?? EMPTY_SHA256,
		};
		await this.#agent.journal
			.append({ type: 'exited', run_id: this.run_id, epoch: this.epoch, finish })
			.catch((error: unknown) => {
				this.#agent.log(`run ${keyOf(this)}: its end is not in the journal: ${messageOf(error)}`);
			});
		this.#agent.log(`run ${keyOf(this)}: ${outcome}${reason ? `, ${reason.code}` : ''}`);
		this.#finish = finish;
		this.#phase = 'exited';
		if (this.#sender) this.#sender.finish();
		else this.#agent.send(finish);
	}

	#logBroke(error: unknown): void {
		this.#agent.log(`run ${keyOf(this)}: its log cannot be kept: ${messageOf(error)}`);
		this.#end = 'log_broken';
		this.stop('log_broken');
	}

	#say(frame: FrameOf<'accept'> | FrameOf<'refuse'> | FrameOf<'started'>): void {
		this.#agent.send({ ...frame, run_id: this.run_id, epoch: this.epoch });
	}

	#forget(): void {
		if (this.#phase === 'gone') return;
		this.#phase = 'gone';
		this.pause();
		const { run_id, epoch } = this;
		this.#agent.journal.append({ type: 'gone', run_id, epoch }).catch(() => undefined);
		void this.#life
			.then(() => this.#cleaned(this.#agent.scripts.release(this.#need)))
			.then(() => this.#cleaned(this.#spool?.remove()))
			.then(this.#forgotten);
	}

	/** What cannot be removed is swept at the agent's next start. */
	async #cleaned(work: Promise<void> | undefined): Promise<void> {
		await work?.catch((error: unknown) => {
			this.#agent.log(`run ${keyOf(this)}: something of it could not be removed: ${messageOf(error)}`);
		});
	}
}
