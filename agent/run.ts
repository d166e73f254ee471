import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { isRequest } from '#domain/backend.ts';
import type { Finish, FromAgent, KnownRun } from '#protocol/agent.ts';
import { RECORDS_SINCE } from '#protocol/version.ts';
import { requestBody, requestId } from '#protocol/run-request.ts';
import { type RunSpec, SshSetup } from '#protocol/run-spec.ts';
import type { Adoptable } from './adoption.ts';
import type { Home } from './config.ts';
import type { Execution, Executor, Exit, Output } from './executors/contract.ts';
import { messageOf } from './failure.ts';
import { type Handle, type Journal, keyOf, type Outliving, type Told } from './journal.ts';
import type { Log } from './log.ts';
import type { Forms } from './mask.ts';
import { type EndReason, outcomeOf, type StopReason, whyUnstartable } from './outcome.ts';
import { type Prepared, prepareRun, type Surroundings, Unstartable } from './preparation.ts';
import { bootId, sinceBootMs } from './processes.ts';
import { RunLog } from './run-log.ts';
import { noteSources, outputOf } from './run-output.ts';
import type { Ledger } from './signatures.ts';
import { type Budget, Spool } from './spool.ts';
import { followerOf } from './tools/ansible/index.ts';

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

/** Names a run on this host, and wherever else this agent carries it out. */
export const nameOf = (home: Home, run: { run_id: number; epoch: number }): string => `${home.tag}-${keyOf(run)}`;

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
	#log: RunLog | null = null;
	#timer: NodeJS.Timeout | undefined;
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
		this.#name = nameOf(agent.home, this);
		this.gone = new Promise((resolve) => (this.#forgotten = resolve));
	}

	/** One that an earlier process of the agent began, and that lived on without it. */
	static adopt(left: Adoptable, agent: Agent): Run {
		const run = new Run(left.outlives.spec, left.epoch, agent);
		run.#phase = 'started';
		run.#resumeAt = null;
		run.#life = run.#goOn(left);
		return run;
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
		return { run_id: this.run_id, epoch: this.epoch, phase, last_seq: this.#log?.last_seq ?? 0 };
	}

	grant(): void {
		if (this.#phase !== 'accepted') return;
		this.#phase = 'started';
		this.#life = this.#live();
	}

	resume(next_seq: number): void {
		this.#resumeAt = next_seq;
		if (this.#log) this.#log.resume(next_seq);
		else if (this.#finish) this.#agent.send(this.#finish);
	}

	pause(): void {
		this.#resumeAt = null;
		this.#log?.pause();
		// A script that was cut off is not sent again under the same offer.
		if (this.#phase === 'accepted' && !this.#agent.scripts.arrived(this.#need)) this.#phase = 'not_started';
	}

	ack(seq: number): void {
		this.#log?.ack(seq);
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
			const { home, budget, policy } = this.#agent;
			const log = this.#keepLog(await Spool.create(path.join(home.spool, keyOf(this)), budget), prepared.forms);
			const records = (this.#agent.protocol() ?? 0) >= RECORDS_SINCE;
			const output = this.#outputTo(log, prepared.commits, records);
			noteSources(this.spec, prepared.commits, output);
			const { commands, commits, dir, secrets, cwd } = prepared;
			const { run_as } = policy;
			const task = { ...this.#basis(), commands, hosts, dir, secrets, cwd, mark, run_as };
			const due_ms = sinceBootMs() + this.spec.timeout_s * 1000;
			this.#endAt(due_ms);
			this.#execution = await executor.prepare(task, output, this.#stopping.signal);
			const left = { name: this.#name, spec: this.spec, commands, commits, cwd, secrets, records, due_ms };
			const outlives = executor.adopt && { ...left, at: await log.settled() };
			started_at = await this.#writeStarted(this.#handleOf(mark, this.#execution.cgroup, outlives));
			if (this.#end) throw stoppedEarly();
			this.#execution.start(prepared.follower?.watch(output) ?? output);
			exit = await this.#execution.wait();
			if (prepared.follower && !this.#end)
				exit = await prepared.follower.concluded(exit, output, prepared.forms, this.#agent.now());
		} catch (error) {
			exit = whyUnstartable(error);
			this.#agent.log(`run ${keyOf(this)}: not started: ${messageOf(error)}`);
		}
		await this.#conclude(exit, started_at, () => prepared?.forgetSecrets());
		await this.#cleaned(prepared?.remove());
	}

	/** From where an earlier process of the agent had come to, to the finish. */
	async #goOn({ outlives, began, known, spool, forms, secrets, started_at }: Adoptable): Promise<void> {
		const log = this.#keepLog(spool, forms, known);
		let exit: Exit | Unstartable;
		try {
			const { execution, hosts = null } = this.spec;
			const executor = this.#agent.executors[execution.backend];
			if (!executor?.adopt) throw new Unstartable('start_failed', `runs of ${execution.backend} are not gone on with`);
			this.#agent.log(`run ${keyOf(this)}: gone on with, from step ${String(began.n)}`);
			const { name, commands, commits, cwd, secrets: dir, records, due_ms } = outlives;
			const { run_as } = this.#agent.policy;
			const task = { ...this.#basis(), name, commands, hosts, dir: '', secrets: dir, cwd, mark: '', run_as };
			this.#execution = executor.adopt(task, began);
			this.#endAt(due_ms);
			const output = this.#outputTo(log, commits, records);
			const follower = followerOf(this.spec);
			this.#execution.start(follower?.watch(output) ?? output);
			exit = await this.#execution.wait();
			if (follower && !this.#end) exit = await follower.concluded(exit, output, forms, this.#agent.now());
		} catch (error) {
			exit = whyUnstartable(error);
			this.#agent.log(`run ${keyOf(this)}: not gone on with: ${messageOf(error)}`);
		}
		await this.#conclude(exit, started_at, () => secrets?.remove());
	}

	/** What of a task is the spec's own. */
	#basis() {
		const { project_id, execution, timeout_s, grace_s } = this.spec;
		const basis = { name: this.#name, project_id, execution, timeout_s, grace_s };
		if (!isRequest(execution.backend)) return basis;
		const body = JSON.stringify(requestBody(this.spec, null, null));
		return { ...basis, request: { id: requestId(this.run_id, this.epoch), body } };
	}

	/** What is needed to go on with a run stays until its end is in the journal; the hub hears of it when its secrets are gone. */
	async #conclude(
		exit: Exit | Unstartable,
		started_at: string | null,
		forgetSecrets: () => Promise<void> | undefined,
	): Promise<void> {
		clearTimeout(this.#timer);
		this.#exited = true;
		await this.#log?.end();
		const dropped = this.#end === 'dropped';
		if (!dropped) await this.#writeEnd(exit, started_at);
		await this.#cleaned(forgetSecrets());
		if (dropped) this.#forget();
		else this.#report();
		await this.#cleaned(this.#execution?.cleanUp());
	}

	/** Also where that is over by now. */
	#endAt(due_ms: number): void {
		this.#timer = setTimeout(() => {
			this.stop('timeout');
		}, due_ms - sinceBootMs());
	}

	/** `known`: what of it an earlier process of the agent told, and is told again. */
	#keepLog(spool: Spool, forms: Forms, known?: Told): RunLog {
		const { policy, now } = this.#agent;
		const log = new RunLog({
			run_id: this.run_id,
			epoch: this.epoch,
			spool,
			forms,
			...(known && { known }),
			whenFull: policy.spool.when_full,
			now,
			onBroken: (error) => {
				this.#logBroke(error);
			},
			send: this.#agent.sendChunk,
			sent: () => {
				if (this.#finish) this.#agent.send(this.#finish);
			},
			onUnreadable: (error) => {
				this.#agent.log(`run ${keyOf(this)}: its log cannot be read back: ${messageOf(error)}`);
			},
		});
		this.#log = log;
		if (this.#resumeAt !== null) log.resume(this.#resumeAt);
		return log;
	}

	#handleOf(mark: string, cgroup: string | null, outlives: Outliving | undefined): Handle {
		const { execution, project_id } = this.spec;
		const handle: Handle = { backend: execution.backend, boot: bootId(), mark, cgroup };
		if (execution.backend === 'ssh')
			handle.ssh = { name: this.#name, project_id, config: SshSetup.parse(execution.config) };
		return outlives ? { ...handle, outlives } : handle;
	}

	/** The line that says "it may run from here on", on the disk before anything does. */
	async #writeStarted(handle: Handle): Promise<string> {
		const at = iso(this.#agent.now());
		if (this.#agent.policy.signatures) await this.#agent.ledger.started(this.spec);
		await this.#agent.journal.append({ type: 'started', run_id: this.run_id, epoch: this.epoch, at, handle });
		this.#say({ type: 'started', at });
		this.#agent.log(`run ${keyOf(this)}: started`);
		return at;
	}

	#outputTo(log: RunLog, commits: readonly (string | null)[], records: boolean): Output {
		return outputOf({ of: this, log, journal: this.#agent.journal, commits, records });
	}

	/** Journaled before it is sent. If the disk does not take it, it is sent all the same: the hub will remember. */
	async #writeEnd(exit: Exit | Unstartable, started_at: string | null): Promise<void> {
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
			...(this.#log?.whole ?? { last_seq: 0, bytes: 0, sha256: EMPTY_SHA256 }),
		};
		await this.#agent.journal
			.append({ type: 'exited', run_id: this.run_id, epoch: this.epoch, finish })
			.catch((error: unknown) => {
				this.#agent.log(`run ${keyOf(this)}: its end is not in the journal: ${messageOf(error)}`);
			});
		this.#agent.log(`run ${keyOf(this)}: ${outcome}${reason ? `, ${reason.code}` : ''}`);
		this.#finish = finish;
	}

	#report(): void {
		this.#phase = 'exited';
		if (this.#log) this.#log.finish();
		else if (this.#finish) this.#agent.send(this.#finish);
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
		// Not before nothing is left of it: where the agent dies until then, its next process removes that.
		void this.#life
			.then(() => this.#agent.journal.append({ type: 'gone', run_id, epoch }).catch(() => undefined))
			.then(() => this.#cleaned(this.#agent.scripts.release(this.#need)))
			.then(() => this.#cleaned(this.#log?.remove()))
			.then(this.#forgotten);
	}

	/** What cannot be removed is swept at the agent's next start. */
	async #cleaned(work: Promise<void> | undefined): Promise<void> {
		await work?.catch((error: unknown) => {
			this.#agent.log(`run ${keyOf(this)}: something of it could not be removed: ${messageOf(error)}`);
		});
	}
}
