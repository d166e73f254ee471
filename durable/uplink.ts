import { CHUNK_HEADER, Kind } from '#protocol/run-frames.ts';
import { Unacked } from './core/unacked.ts';
import type { RunStream } from './run-stream.ts';
import type { Said, Told } from './run-talk.ts';

/** What nobody waits for goes along with what comes next, if that comes within so long: each way to a stream costs it a sync. */
const HOLD_MS = 10;
/** And what comes of a flood gathers for so long, or until it is much (docs/adr/0041-a-flood-in-few-lists.md). */
const GATHER_MS = 4;

interface At {
	run_id: number;
	epoch: number;
}

/** What becomes of what was passed on. `acked`: every chunk up to there is durable; null where none was among it. */
export interface Passed {
	done: (at: At, told: Told[], acked: number | null) => void;
	failed: (error: unknown) => void;
}

/** The way to one run's stream, for as long as the socket lives: calls on one stub keep their order. */
interface Way {
	stream: DurableObjectStub<RunStream>;
	unacked: Unacked<Said>;
	timer: ReturnType<typeof setTimeout> | null;
}

/** What an agent says of its runs on its way to their streams: passed on in its order, never waited for, bounded per run. */
export class Uplink {
	readonly #agent_id: number;
	readonly #streamOf: (run_id: number) => DurableObjectStub<RunStream>;
	readonly #ways = new Map<number, Way>();

	constructor(agent_id: number, streamOf: (run_id: number) => DurableObjectStub<RunStream>) {
		this.#agent_id = agent_id;
		this.#streamOf = streamOf;
	}

	stream(run_id: number): DurableObjectStub<RunStream> {
		return this.#way(run_id).stream;
	}

	/** False where the agent said more than it may before it is acknowledged. */
	add(at: At, said: Exclude<Said, { type: 'chunk' }>, passed: Passed): boolean {
		const way = this.#way(at.run_id);
		return way.unacked.add(said) && this.#added(way, at, said.type === 'started' ? HOLD_MS : 0, passed);
	}

	/** A chunk, which says of itself which it is; false as above. */
	addChunk(at: At & { seq: number }, bytes: Uint8Array, passed: Passed): boolean {
		const way = this.#way(at.run_id);
		const isRecord = bytes[CHUNK_HEADER] === Kind.record;
		const added = way.unacked.addChunk(at.seq, bytes, { type: 'chunk', bytes });
		return added && this.#added(way, at, isRecord ? HOLD_MS : way.unacked.gathers ? GATHER_MS : 0, passed);
	}

	/** The run is over, or no longer the agent's. */
	forget(run_id: number): void {
		const timer = this.#ways.get(run_id)?.timer ?? null;
		if (timer !== null) clearTimeout(timer);
		this.#ways.delete(run_id);
	}

	/** Another socket speaks for the agent, or none. */
	reset(): void {
		for (const run_id of this.#ways.keys()) this.forget(run_id);
	}

	#way(run_id: number): Way {
		const known = this.#ways.get(run_id);
		if (known) return known;
		const fresh: Way = { stream: this.#streamOf(run_id), unacked: new Unacked(), timer: null };
		this.#ways.set(run_id, fresh);
		return fresh;
	}

	#added(way: Way, at: At, hold_ms: number, passed: Passed): true {
		if (hold_ms === 0) this.#pass(way, at, passed);
		else
			way.timer ??= setTimeout(() => {
				this.#pass(way, at, passed);
			}, hold_ms);
		return true;
	}

	#pass(way: Way, at: At, passed: Passed) {
		if (way.timer !== null) clearTimeout(way.timer);
		way.timer = null;
		const batch = way.unacked.take();
		if (batch.length === 0) return;
		way.stream
			.said(this.#agent_id, at.epoch, batch)
			.then((told) => {
				const seq = Math.max(...told.map((t) => t.seq));
				way.unacked.passed(seq);
				passed.done(at, told, batch.some((said) => said.type === 'chunk') ? seq : null);
				this.#added(way, at, way.unacked.gathers ? GATHER_MS : 0, passed);
			})
			.catch(passed.failed);
	}
}
