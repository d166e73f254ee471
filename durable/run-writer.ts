import type { Frame } from '#protocol/run-frames.ts';
import { applyRun, type RunChange } from '#worker/services/runs/apply.ts';
import { takePlan } from '#worker/services/terraform_plans/take.ts';
import { Artifacts } from './core/artifacts.ts';
import { calm } from './core/calm.ts';
import { backoff, Outbox } from './core/outbox.ts';
import type { RunDesk } from './run-desk.ts';

/** What is decided is written down in the record so much later: the end at once, the rest when the next step had its chance. */
const WRITE_SOON_MS = 100;
/** A busy hub lets what people wait for go first, for so long. */
const WRITE_MOST_MS = 500;
/** Where the object does not live to write the end down, the alarm does; before the end the agent comes by. */
const WRITE_LATEST_MS = 1_000;

/** Writes down in the record what a run's stream decided, and what the run made. */
export class RunWriter {
	readonly #desk: RunDesk;
	readonly #outbox: Outbox<RunChange['audit']>;
	readonly #artifacts: Artifacts;
	#writing = false;
	#failures = 0;

	constructor(desk: RunDesk, storage: DurableObjectStorage) {
		this.#desk = desk;
		this.#outbox = new Outbox(storage);
		this.#artifacts = new Artifacts(storage);
		if (this.#outbox.pending(1).length > 0 || this.#artifacts.next()) this.#soon(WRITE_SOON_MS);
	}

	/** Something of the run is another than before. `over`: that was its end. The caller arms the alarm. */
	changed(audit: RunChange['audit'], over = false): void {
		this.#outbox.put(audit);
		if (over) this.#latest();
		this.#soon(over ? 0 : WRITE_SOON_MS);
	}

	/** Records of the log, which may be the last part of something the run made. */
	made(records: readonly Frame[]): void {
		if (records.filter((frame) => this.#artifacts.take(frame)).length === 0) return;
		this.#latest();
		this.#desk.alarm.arm();
		this.#soon(WRITE_SOON_MS);
	}

	/** Writes down what the record does not have yet. One attempt at a time; what fails is tried again by the alarm. */
	async write(): Promise<void> {
		if (this.#writing) return;
		this.#writing = true;
		const { alarm } = this.#desk;
		try {
			await this.#writeChanges();
			await this.#writeArtifacts();
			this.#failures = 0;
			alarm.timers.set('write', null);
		} catch (error) {
			this.#failures++;
			console.error(
				`run ${String(this.#desk.id)} could not be written down, attempt ${String(this.#failures)}:`,
				error,
			);
			alarm.timers.set('write', Date.now() + backoff(this.#failures));
		} finally {
			this.#writing = false;
			alarm.arm();
		}
	}

	async #writeChanges() {
		const desk = this.#desk;
		const record = await desk.record();
		while (record && this.#outbox.pending(1).length > 0) {
			if (desk.state.step === 'done' && !desk.excerpted) await desk.excerpt();
			const changes = this.#outbox.pending().map(({ seq, entry }): RunChange => ({ seq, audit: entry }));
			desk.kept.put('record', await applyRun(desk.ctx, record, changes, desk.columns(record)));
			this.#outbox.done(changes.at(-1)?.seq ?? 0);
		}
	}

	async #writeArtifacts() {
		const { kept, state, ctx } = this.#desk;
		for (let made = this.#artifacts.next(); made; made = this.#artifacts.next()) {
			const run = kept.get('record');
			if (run && made.text !== null) await takePlan(ctx, { ...run, agent_id: state.agent_id }, made.text);
			this.#artifacts.done(made.n);
		}
	}

	#latest() {
		this.#desk.alarm.timers.set('write', Date.now() + WRITE_LATEST_MS);
	}

	#soon(ms: number) {
		setTimeout(() => {
			this.#desk.later(calm(WRITE_MOST_MS).then(() => this.write()));
		}, ms);
	}
}
