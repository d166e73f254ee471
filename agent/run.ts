import type { FromAgent, KnownRun } from '#protocol/agent.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import type { Adoptable } from './adoption.ts';
import { CarryingOut } from './carrying-out.ts';
import { messageOf } from './failure.ts';
import type { Agent, HeldRun } from './held-run.ts';
import { keyOf } from './journal.ts';
import type { StopReason } from './outcome.ts';

type FrameOf<T extends FromAgent['type']> = Omit<Extract<FromAgent, { type: T }>, 'run_id' | 'epoch'>;

/** One run, from its offer to the hub's word that it has the end of it. */
export class Run implements HeldRun {
	readonly run_id: number;
	readonly epoch: number;
	readonly spec: RunSpec;
	readonly gone: Promise<void>;
	readonly #agent: Agent;
	#forgotten: () => void = () => undefined;
	#phase: 'accepted' | 'not_started' | 'started' | 'exited' | 'gone' = 'accepted';
	#need: string[] = [];
	readonly #carrying: CarryingOut;
	/** From where the hub wants the log; null while it is away. */
	#resumeAt: number | null = 1;
	#life: Promise<void> = Promise.resolve();

	constructor(spec: RunSpec, epoch: number, agent: Agent) {
		this.run_id = spec.run_id;
		this.epoch = epoch;
		this.spec = spec;
		this.#agent = agent;
		this.#carrying = new CarryingOut(spec, epoch, agent, {
			resumeAt: () => this.#resumeAt,
			over: (dropped) => {
				if (dropped) this.#forget();
				else this.#report();
			},
		});
		this.gone = new Promise((resolve) => (this.#forgotten = resolve));
	}

	/** One that an earlier process of the agent began, and that lived on without it. */
	static adopt(left: Adoptable, agent: Agent): Run {
		const run = new Run(left.outlives.spec, left.epoch, agent);
		run.#phase = 'started';
		run.#resumeAt = null;
		run.#life = run.#carrying.goOn(left);
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
		else {
			const { callback_sha256 } = this.#carrying;
			this.#say({ type: 'accept', need: this.#need, ...(callback_sha256 !== null && { callback_sha256 }) });
		}
	}

	known(): KnownRun {
		const phase = this.#phase === 'gone' ? 'exited' : this.#phase;
		return { run_id: this.run_id, epoch: this.epoch, phase, last_seq: this.#carrying.log?.last_seq ?? 0 };
	}

	grant(): void {
		if (this.#phase !== 'accepted') return;
		this.#phase = 'started';
		this.#life = this.#carrying.begin();
	}

	resume(next_seq: number): void {
		this.#resumeAt = next_seq;
		const { log, finish } = this.#carrying;
		if (log) log.resume(next_seq);
		else if (finish) this.#agent.send(finish);
	}

	pause(): void {
		this.#resumeAt = null;
		this.#carrying.log?.pause();
		// A script that was cut off is not sent again under the same offer.
		if (this.#phase === 'accepted' && !this.#agent.scripts.arrived(this.#need)) this.#phase = 'not_started';
	}

	ack(seq: number): void {
		this.#carrying.log?.ack(seq);
	}

	stop(why: StopReason): void {
		if (this.#phase === 'accepted') {
			this.#phase = 'started';
			this.#carrying.stop(why);
			this.#life = this.#carrying.begin();
		} else if (this.#phase === 'started') this.#carrying.stop(why);
	}

	drop(): void {
		if (this.#phase === 'started') this.#carrying.drop();
		else this.#forget();
	}

	finished(): void {
		if (this.#phase === 'exited') this.#forget();
	}

	#report(): void {
		this.#phase = 'exited';
		const { log, finish } = this.#carrying;
		if (log) log.finish();
		else if (finish) this.#agent.send(finish);
	}

	#say(frame: FrameOf<'accept'> | FrameOf<'refuse'>): void {
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
			.then(() => this.#cleaned(this.#carrying.log?.remove()))
			.then(this.#forgotten);
	}

	/** What cannot be removed is swept at the agent's next start. */
	async #cleaned(work: Promise<void> | undefined): Promise<void> {
		await work?.catch((error: unknown) => {
			this.#agent.log(`run ${keyOf(this)}: something of it could not be removed: ${messageOf(error)}`);
		});
	}
}
