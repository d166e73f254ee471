import { createHash, randomBytes } from 'node:crypto';
import path from 'node:path';
import { isRequest } from '#domain/backend.ts';
import type { Finish } from '#protocol/agent.ts';
import { RECORDS_SINCE } from '#protocol/version.ts';
import { callbackUrl, requestBody, requestId } from '#protocol/run-request.ts';
import { awaitsCallback, type RunSpec, SshSetup } from '#protocol/run-spec.ts';
import type { Adoptable } from './adoption.ts';
import type { Home } from './config.ts';
import type { Execution, Exit, GoesOn, Output } from './executors/contract.ts';
import { messageOf } from './failure.ts';
import type { Agent } from './held-run.ts';
import { type Handle, keyOf, type Outliving, type Told } from './journal.ts';
import type { Forms } from './mask.ts';
import { type EndReason, endOf, finishFor, whyUnstartable } from './outcome.ts';
import { takesPacked } from './packing.ts';
import { type Prepared, prepareRun, Unstartable } from './preparation.ts';
import { bootId, sinceBootMs } from './processes.ts';
import { RunLog } from './run-log.ts';
import { noteSources, outputOf } from './run-output.ts';
import { Spool } from './spool.ts';
import { followerOf } from './tools/ansible/index.ts';

/** An agent that is told to stop has ten seconds in all. */
const LEAVING_GRACE_MS = 2500;
/** SHA-256 of nothing: the log of a run that said nothing. */
const EMPTY_SHA256 = createHash('sha256').digest('hex');

/** Names a run on this host, and wherever else this agent carries it out. */
export const nameOf = (home: Home, run: { run_id: number; epoch: number }): string => `${home.tag}-${keyOf(run)}`;

const stoppedEarly = () => new Unstartable('start_failed', 'it was stopped before it started');
const iso = (ms: number): string => new Date(ms).toISOString();

interface Hooks {
	/** From where the hub wants the log; null while it is away. */
	resumeAt: () => number | null;
	/** Nothing of it lives, and its end is in the journal; or it was dropped, and nobody is told. */
	over: (dropped: boolean) => void;
}

/** A granted run being carried out: from what it needs, or from where an earlier process of the agent left it, to its finish. */
export class CarryingOut {
	readonly run_id: number;
	readonly epoch: number;
	readonly spec: RunSpec;
	/** With what the end of a request is told to the hub; only here, and in the request. */
	readonly #token: string | null;
	readonly #agent: Agent;
	readonly #name: string;
	readonly #hooks: Hooks;
	#execution: Execution | null = null;
	/** Ends what is still being made ready. */
	readonly #stopping = new AbortController();
	#log: RunLog | null = null;
	#timer: NodeJS.Timeout | undefined;
	#finish: Finish | null = null;
	#end: EndReason | null = null;
	#exited = false;

	constructor(spec: RunSpec, epoch: number, agent: Agent, hooks: Hooks) {
		this.run_id = spec.run_id;
		this.epoch = epoch;
		this.spec = spec;
		this.#token = awaitsCallback(spec) ? randomBytes(32).toString('base64url') : null;
		this.#agent = agent;
		this.#name = nameOf(agent.home, this);
		this.#hooks = hooks;
	}

	/** What it said; null before it could say anything. */
	get log(): RunLog | null {
		return this.#log;
	}

	/** What the hub knows a callback by; null where none is asked for. */
	get callback_sha256(): string | null {
		return this.#token === null ? null : createHash('sha256').update(this.#token).digest('hex');
	}

	get finish(): Finish | null {
		return this.#finish;
	}

	/** Before it has begun, too: then it never does. */
	stop(why: EndReason): void {
		if (this.#exited) return;
		this.#end ??= why;
		const grace_ms = this.spec.grace_s * 1000;
		this.#stopping.abort();
		void this.#execution?.stop(why === 'agent_stopped' ? Math.min(grace_ms, LEAVING_GRACE_MS) : grace_ms);
	}

	/** As `stop`, whyever it was being stopped before: nobody is told of its end. */
	drop(): void {
		this.#end = 'dropped';
		this.stop('dropped');
	}

	/** From the grant to the finish. Whatever happens, there is a finish. */
	async begin(): Promise<void> {
		let started_at: string | null = null;
		let exit: Exit | GoesOn | Unstartable;
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
			if (prepared.follower && !this.#end && exit.kind !== 'goes_on')
				exit = await prepared.follower.concluded(exit, output, prepared.forms, this.#agent.now());
		} catch (error) {
			exit = whyUnstartable(error);
			this.#agent.log(`run ${keyOf(this)}: not started: ${messageOf(error)}`);
		}
		await this.#conclude(exit, started_at, () => prepared?.forgetSecrets());
		await this.#cleaned(prepared?.remove());
	}

	/** From where an earlier process of the agent had come to, to the finish. */
	async goOn({ outlives, began, known, spool, forms, secrets, started_at }: Adoptable): Promise<void> {
		const log = this.#keepLog(spool, forms, known);
		let exit: Exit | GoesOn | Unstartable;
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
			if (follower && !this.#end && exit.kind !== 'goes_on')
				exit = await follower.concluded(exit, output, forms, this.#agent.now());
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
		const token = this.#token;
		const callback = token === null ? null : { url: callbackUrl(this.#agent.hub, this.run_id), token };
		const body = JSON.stringify(requestBody(this.spec, null, callback));
		return { ...basis, request: { id: requestId(this.run_id, this.epoch), body, token } };
	}

	/** What is needed to go on with a run stays until its end is in the journal; the hub hears of it when its secrets are gone. */
	async #conclude(
		exit: Exit | GoesOn | Unstartable,
		started_at: string | null,
		forgetSecrets: () => Promise<void> | undefined,
	): Promise<void> {
		clearTimeout(this.#timer);
		this.#exited = true;
		await this.#log?.end();
		const dropped = this.#end === 'dropped';
		if (!dropped) await this.#writeEnd(exit, started_at);
		await this.#cleaned(forgetSecrets());
		this.#hooks.over(dropped);
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
			packs: () => takesPacked(this.#agent.protocol()),
			send: this.#agent.sendChunk,
			sent: () => {
				if (this.#finish) this.#agent.send(finishFor(this.#agent.protocol(), this.#finish, log));
			},
			onUnreadable: (error) => {
				this.#agent.log(`run ${keyOf(this)}: its log cannot be read back: ${messageOf(error)}`);
			},
		});
		this.#log = log;
		const at = this.#hooks.resumeAt();
		if (at !== null) log.resume(at);
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
		this.#agent.send({ type: 'started', run_id: this.run_id, epoch: this.epoch, at });
		this.#agent.log(`run ${keyOf(this)}: started`);
		return at;
	}

	#outputTo(log: RunLog, commits: readonly (string | null)[], records: boolean): Output {
		return outputOf({ of: this, log, journal: this.#agent.journal, commits, records });
	}

	/** Journaled before it is sent. If the disk does not take it, it is sent all the same: the hub will remember. */
	async #writeEnd(exit: Exit | GoesOn | Unstartable, started_at: string | null): Promise<void> {
		const { outcome, exit_code, reason } = endOf(exit, this.#end, this.spec.timeout_s);
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

	#logBroke(error: unknown): void {
		this.#agent.log(`run ${keyOf(this)}: its log cannot be kept: ${messageOf(error)}`);
		this.#end = 'log_broken';
		this.stop('log_broken');
	}

	/** What cannot be removed is swept at the agent's next start. */
	async #cleaned(work: Promise<void> | undefined): Promise<void> {
		await work?.catch((error: unknown) => {
			this.#agent.log(`run ${keyOf(this)}: something of it could not be removed: ${messageOf(error)}`);
		});
	}
}
