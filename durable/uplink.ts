import { Unacked } from './core/unacked.ts';
import type { RunStream } from './run-stream.ts';
import type { Told } from './run-talk.ts';

/** What becomes of a batch of chunks that was passed on. */
export interface Passed {
	done: (run_id: number, epoch: number, told: Told) => void;
	failed: (error: unknown) => void;
}

/** An agent's chunks on their way to the streams: passed on in their order, never waited for, bounded per run. */
export class Uplink {
	readonly #agent_id: number;
	readonly #streamOf: (run_id: number) => DurableObjectStub<RunStream>;
	/** One stub per run for as long as the socket lives, for calls on one stub keep their order. */
	readonly #streams = new Map<number, DurableObjectStub<RunStream>>();
	readonly #unacked = new Map<number, Unacked>();

	constructor(agent_id: number, streamOf: (run_id: number) => DurableObjectStub<RunStream>) {
		this.#agent_id = agent_id;
		this.#streamOf = streamOf;
	}

	stream(run_id: number): DurableObjectStub<RunStream> {
		const known = this.#streams.get(run_id);
		if (known) return known;
		const fresh = this.#streamOf(run_id);
		this.#streams.set(run_id, fresh);
		return fresh;
	}

	/** False where the agent sent more than it may before it is acknowledged. */
	add(at: { run_id: number; epoch: number; seq: number }, chunk: Uint8Array, passed: Passed): boolean {
		const unacked = this.#unacked.get(at.run_id) ?? new Unacked();
		this.#unacked.set(at.run_id, unacked);
		if (!unacked.add(at.seq, chunk)) return false;
		this.#pass(at, unacked, passed, false);
		return true;
	}

	/** Passes on whatever has gathered, so that what is said next does not overtake it. */
	flush(at: { run_id: number; epoch: number }, passed: Passed): void {
		const unacked = this.#unacked.get(at.run_id);
		if (unacked) this.#pass(at, unacked, passed, true);
	}

	/** The run is over, or no longer the agent's. */
	forget(run_id: number): void {
		this.#unacked.delete(run_id);
		this.#streams.delete(run_id);
	}

	/** Another socket speaks for the agent, or none. */
	reset(): void {
		this.#unacked.clear();
		this.#streams.clear();
	}

	#pass(at: { run_id: number; epoch: number }, unacked: Unacked, passed: Passed, always: boolean) {
		const batch = unacked.take(always);
		if (batch.length === 0) return;
		const { run_id, epoch } = at;
		this.stream(run_id)
			.chunks(this.#agent_id, epoch, batch)
			.then((told) => {
				unacked.passed(told.seq);
				passed.done(run_id, epoch, told);
				this.#pass(at, unacked, passed, false);
			})
			.catch(passed.failed);
	}
}
