import { createHash, type Hash } from 'node:crypto';
import type { RunStep } from '#domain/run-step.ts';
import type { Run } from '#domain/run.ts';
import { PAYLOAD_MAX } from '#protocol/run-frames.ts';
import { systemCtx } from '#worker/http/context.ts';
import { importIsDone } from '#worker/services/archive/import-row.ts';
import { loadRun } from '#worker/services/runs/load.ts';
import { Alarm } from './alarm.ts';
import { Keyed } from './core/keyed.ts';
import { LogReader } from './core/log-reader.ts';
import { LogStore } from './core/log-store.ts';
import { type Callback, newRun, type RunState } from './core/run-machine.ts';
import { columnsOf, type Excerpts, excerptsOf, rowOf, stateOf, statusFrame } from './core/run-row.ts';
import { Steps } from './core/steps.ts';
import { segmentsOf } from './segments.ts';
import type { Script } from './send-scripts.ts';

const SEAL_AGAIN_MS = 30_000;
/** Sealing waits until a flood ebbs, that is until less than a frame's worth comes within one look; for so long at most. */
const EBB_LOOK_MS = 100;
const EBB_MOST_MS = 5_000;

interface Kept {
	/** The run's row as the record had it last. */
	record: Run;
	state: RunState;
	/** The uploaded scripts of the spec that was offered. */
	scripts: Script[];
	/** How long a callback is waited for, of a run that was offered to an agent; 0: not at all. */
	awaited_s: number;
	/** What callbacks said while the run's agent still had the answer to bring. */
	early: { stream: 'stdout' | 'stderr'; text: string }[];
	/** What is now in the state, as an older version kept it. */
	callback: Omit<Callback, 'told'>;
	/** The import that brought the log, until it is known whether it was carried out; 0: no more. */
	brought: number;
}

/** What the parts of a run's stream share: its state, its log, its steps, its alarm, and the way to its agent and its room. */
export class RunDesk {
	readonly id: number;
	readonly kept: Keyed<Kept>;
	readonly log: LogStore;
	readonly reader: LogReader;
	readonly steps: Steps;
	readonly alarm: Alarm;
	/** Over the hashes of all chunks; null when an eviction lost it. */
	hash: Hash | null;
	readonly #ctx: DurableObjectState;
	readonly #env: Env;
	#excerpts: Excerpts | null = null;
	#sealing = false;

	constructor(ctx: DurableObjectState, env: Env) {
		const { storage } = ctx;
		this.#ctx = ctx;
		this.#env = env;
		this.id = Number(ctx.id.name);
		this.kept = new Keyed(storage);
		this.log = new LogStore(storage);
		this.reader = new LogReader(this.log, this.id, segmentsOf(env.STORE));
		this.steps = new Steps(storage);
		this.alarm = new Alarm(storage, (work) => {
			this.later(work);
		});
		this.hash = this.log.end.frames === 0 ? createHash('sha256') : null;
	}

	get ctx() {
		return systemCtx(this.#env, this.#ctx);
	}

	get state(): RunState {
		// What an older version kept lacks what is newer.
		const callback = this.kept.get('callback');
		return { ...newRun, ...(callback && { callback: { ...callback, told: null } }), ...this.kept.get('state') };
	}

	/** Learns the run's row, the first time; later the stream knows better. */
	meet(record: Run): void {
		if (this.kept.get('record')) return;
		this.kept.put('record', record);
		this.kept.put('state', stateOf(record));
	}

	/** Reads the run's row anew. */
	async meetAgain(): Promise<Run | null> {
		await this.record();
		const record = await loadRun(this.ctx, this.id);
		if (record) this.kept.put('record', record);
		return record;
	}

	async record(): Promise<Run | null> {
		const kept = this.kept.get('record');
		if (kept) return kept;
		await this.settleLog();
		const record = await loadRun(this.ctx, this.id);
		if (record) this.meet(record);
		return record;
	}

	/** What an import left here is this run's log if that import was carried out, and nobody's if it was not. */
	async settleLog(): Promise<void> {
		const brought = this.kept.get('brought');
		if (!brought) return;
		if (!(await importIsDone(this.ctx, brought))) {
			this.log.clear();
			this.hash = createHash('sha256');
		}
		this.kept.put('brought', 0);
	}

	/** Moves what is full of the log to where it stays. Tried again by the alarm, also where the object dies over it. */
	seal(): void {
		// Set anew where it rang while the store still takes its time.
		if (this.alarm.timers.at('seal') === null) this.#sealAgain(Date.now() + SEAL_AGAIN_MS);
		if (this.#sealing) return;
		this.#sealing = true;
		this.later(this.#seal());
	}

	async #seal() {
		try {
			await this.log.seal(this.id, segmentsOf(this.#env.STORE), () => this.#ebb());
			this.#sealAgain(null);
		} catch (error) {
			console.error(`the log of run ${String(this.id)} could not be sealed:`, error);
			this.#sealAgain(Date.now() + SEAL_AGAIN_MS);
		} finally {
			this.#sealing = false;
		}
	}

	async #ebb() {
		for (let waited = 0; waited < EBB_MOST_MS; waited += EBB_LOOK_MS) {
			const { offset } = this.log.end;
			await new Promise((done) => setTimeout(done, EBB_LOOK_MS));
			if (this.log.end.offset - offset < PAYLOAD_MAX) return;
		}
	}

	#sealAgain(at: number | null) {
		this.alarm.timers.set('seal', at);
		this.alarm.arm();
	}

	/** Reads what the row shows of the log, as it is now. */
	async excerpt(): Promise<void> {
		this.#excerpts = await excerptsOf(this.reader);
	}

	get excerpted(): boolean {
		return this.#excerpts !== null;
	}

	/** What the stream knows better than the record. */
	columns(record: Run) {
		return columnsOf(this.id, this.state, this.log.end, this.#excerpts ?? record, this.#shownSteps(record));
	}

	statusFrame(): Uint8Array {
		const record = this.#met();
		const row = rowOf(record, this.state, this.log.end, this.#excerpts ?? record, this.#shownSteps(record));
		return statusFrame(row, this.log.end, Date.now());
	}

	link(agent_id: number) {
		return this.#env.AGENT_LINK.getByName(String(agent_id));
	}

	room() {
		return this.#env.PROJECT_ROOM.getByName(String(this.#met().project_id));
	}

	/** Work that nobody waits for; the sweep makes good what fails. */
	later(work: Promise<unknown>): void {
		this.#ctx.waitUntil(
			work.catch((error: unknown) => {
				console.error(`run ${String(this.id)}:`, error);
			}),
		);
	}

	#met(): Run {
		const record = this.kept.get('record');
		if (!record) throw new Error(`the stream of run ${String(this.id)} has not met its run`);
		return record;
	}

	/** A run that was over before this stream knew it has its steps in the record alone. */
	#shownSteps(record: Run): readonly RunStep[] {
		return this.steps.all.length > 0 ? this.steps.all : record.steps;
	}
}
