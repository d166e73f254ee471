import path from 'node:path';
import type { Finish, KnownRun } from '#protocol/agent.ts';
import { adoptable } from './adoption.ts';
import { NotReaped } from './executors/contract.ts';
import { messageOf } from './failure.ts';
import { keyOf, type Remembered } from './journal.ts';
import type { Agent, HeldRun } from './held-run.ts';
import { finishFor } from './outcome.ts';
import { takesPacked } from './packing.ts';
import { Run } from './run.ts';
import { Sender } from './sender.ts';
import { Spool } from './spool.ts';

/** A run of an earlier process of this agent: it is never started, only told about, until the hub has heard all of it. */
export class PastRun implements HeldRun {
	readonly run_id: number;
	readonly epoch: number;
	readonly active = false;
	readonly over = Promise.resolve();
	readonly gone: Promise<void>;
	readonly #agent: Agent;
	readonly #spool: Spool;
	readonly #sender: Sender;
	readonly #finish: Finish | null;
	/** What outlived the agent's earlier process is gone. */
	readonly #cleared: Promise<boolean>;
	#forgotten: () => void = () => undefined;
	#over = false;

	private constructor(run: Remembered, finish: Finish | null, spool: Spool, cleared: Promise<boolean>, agent: Agent) {
		this.run_id = run.run_id;
		this.epoch = run.epoch;
		this.#agent = agent;
		this.#finish = finish;
		this.#spool = spool;
		this.#cleared = cleared;
		this.#sender = new Sender(spool, {
			chunk: agent.sendChunk,
			finish: () => {
				if (finish) agent.send(finishFor(agent.protocol(), finish, spool));
			},
			packs: () => takesPacked(agent.protocol()),
			onError: (error) => {
				agent.log(`run ${keyOf(run)}: its log cannot be read back: ${messageOf(error)}`);
			},
		});
		if (finish) this.#sender.finish();
		this.gone = new Promise((resolve) => (this.#forgotten = resolve));
	}

	/**
	 * What the journal says, made final: what was started and has no end is gone on with where that can be, else ended, proved dead and
	 * lost; what was only accepted never starts under its epoch, unless the journal is damaged and cannot say so.
	 */
	static async restore(run: Remembered, agent: Agent): Promise<HeldRun> {
		const { run_id, epoch, started } = run;
		const spool = await Spool.recover(path.join(agent.home.spool, keyOf(run)), agent.budget);
		const living = await adoptable(run, spool, agent);
		if (living) return Run.adopt(living, agent);
		const left = started && !run.finish ? await reap(started, agent) : null;
		let { finish } = run;
		if (!finish && (started || run.doubtful)) {
			finish = {
				type: 'finish',
				run_id,
				epoch,
				outcome: 'lost',
				exit_code: null,
				reason: {
					code: 'agent_lost',
					message: `The agent was ended while it ran; ${left ?? 'what was left of it has been ended too'}.`.slice(
						0,
						500,
					),
				},
				started_at: started?.at ?? null,
				exited_at: new Date(agent.now()).toISOString(),
				last_seq: spool.last_seq,
				bytes: spool.bytes,
				sha256: spool.sha256(),
			};
			await agent.journal.append({ type: 'exited', run_id, epoch, finish });
		}
		const cleared = started?.handle.outlives && run.finish ? isCleared(started, agent) : Promise.resolve(true);
		return new PastRun(run, finish, spool, cleared, agent);
	}

	known(): KnownRun {
		const { run_id, epoch } = this;
		// A lost one has an end as well, and it is told after what is left of its log.
		return { run_id, epoch, phase: this.#finish ? 'exited' : 'not_started', last_seq: this.#spool.last_seq };
	}

	/** The hub was told that it is not started and never will be. */
	grant(): void {
		this.#agent.log(`run ${keyOf(this)}: granted after all; it is not started under this epoch any more`);
	}

	resume(next_seq: number): void {
		this.#sender.resume(next_seq);
	}

	pause(): void {
		this.#sender.pause();
	}

	ack(seq: number): void {
		this.#sender.ack(seq);
	}

	stop(): void {
		// Nothing of it lives.
	}

	drop(): void {
		this.finished();
	}

	finished(): void {
		if (this.#over) return;
		this.#over = true;
		this.pause();
		const { run_id, epoch } = this;
		void this.#cleared
			.then((cleared) => (cleared ? this.#agent.journal.append({ type: 'gone', run_id, epoch }) : undefined))
			.then(() => this.#spool.remove())
			.catch(() => undefined)
			.then(this.#forgotten);
	}
}

/** Removes what a run that is over had, where that outlives the agent. What cannot be now is tried again at its next start. */
async function isCleared(started: NonNullable<Remembered['started']>, agent: Agent): Promise<boolean> {
	const why = await reap(started, agent);
	if (why !== null) agent.log(`something of an earlier run could not be removed: ${why}`);
	return why === null;
}

/** Ends what is left of a run. Answers in words where it could not see to that; null where nothing lives. */
async function reap(
	{ handle, leaders, hosts }: NonNullable<Remembered['started']>,
	agent: Agent,
): Promise<string | null> {
	try {
		const executor = agent.executors[handle.backend];
		if (!executor && (hosts.length > 0 || handle.outlives))
			throw new NotReaped('its backend is no longer allowed here, so nothing was ended');
		await executor?.reap(handle, { leaders, hosts });
		return null;
	} catch (error) {
		if (!(error instanceof NotReaped)) throw error;
		return error.message;
	}
}
