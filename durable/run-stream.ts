import { DurableObject } from 'cloudflare:workers';
import { createHash, type Hash } from 'node:crypto';
import type { LogHits, LogLines, LogStream } from '#domain/log.ts';
import type { Reason } from '#domain/run-reason.ts';
import type { RunStep } from '#domain/run-step.ts';
import type { Run } from '#domain/run.ts';
import type { Finish, KnownRun } from '#protocol/agent.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { decodeChunk, Kind } from '#protocol/run-frames.ts';
import { systemCtx } from '#worker/http/context.ts';
import { importIsDone } from '#worker/services/archive/import-row.ts';
import { stillAllowed } from '#worker/services/live/still-allowed.ts';
import { applyRun, type RunChange } from '#worker/services/runs/apply.ts';
import { loadRun } from '#worker/services/runs/load.ts';
import { takePlan } from '#worker/services/terraform_plans/take.ts';
import { Artifacts } from './core/artifacts.ts';
import { Keyed } from './core/keyed.ts';
import { LogReader } from './core/log-reader.ts';
import { searchLog } from './core/log-search.ts';
import { LogStore } from './core/log-store.ts';
import { backoff, Outbox } from './core/outbox.ts';
import { type Answer, newRun, type RunEvent, type RunState, step, type Step } from './core/run-machine.ts';
import { columnsOf, type Excerpts, excerptsOf, rowOf, stateOf, statusFrame } from './core/run-row.ts';
import { Timers } from './core/timers.ts';
import { Steps } from './core/steps.ts';
import { segmentsOf } from './segments.ts';
import { Viewers } from './viewers.ts';
import { watcherOf } from './watcher.ts';

/** What the stream answers an agent's link. */
export interface Told {
	answer: Answer;
	/** The agent no longer holds the run: its slot is free. */
	free: boolean;
	/** Every chunk up to this one is durable. */
	seq: number;
	/** For `send`: the scripts the agent asked for. */
	scripts?: Script[];
}

export interface Script {
	sha256: string;
	size: number;
	/** Where it is kept; left out: among the scripts. */
	kind?: 'inventories';
}

/** What is decided is written down in the record so much later: the end at once, the rest when the next step had its chance. */
const WRITE_SOON_MS = 100;
/** Where the object does not live to write the end down, the alarm does; before the end the agent comes by. */
const WRITE_LATEST_MS = 1_000;
const SEAL_AGAIN_MS = 30_000;
/** What changes of a run's steps is told together: a pause for each of them, up to a second. */
const STEPS_TOLD_MS_EACH = 5;
const STEPS_TOLD_MAX_MS = 1_000;
/** How often a log may arrive damaged, at ever new places, before the run is given up. */
const DOUBTS_MAX = 8;

interface Kept {
	/** The run's row as the record had it last. */
	record: Run;
	state: RunState;
	/** The uploaded scripts of the spec that was offered. */
	scripts: Script[];
	/** The import that brought the log, until it is known whether it was carried out; 0: no more. */
	brought: number;
}

/** One run: its state, its log, its viewers. A shell: what it decides is in core/. */
export class RunStream extends DurableObject<Env> {
	readonly #id: number;
	readonly #kept: Keyed<Kept>;
	readonly #log: LogStore;
	readonly #reader: LogReader;
	readonly #timers: Timers;
	readonly #steps: Steps;
	readonly #artifacts: Artifacts;
	readonly #outbox: Outbox<RunChange['audit']>;
	readonly #viewers: Viewers;
	/** Over all of the log; null when an eviction lost it, and the log has to be read for it. */
	#hash: Hash | null;
	#excerpts: Excerpts | null = null;
	/** Where the log ended when something of it arrived damaged, or was missing. */
	readonly #doubts = new Set<number>();
	/** When the alarm rings; undefined: not known since the object woke. */
	#alarmAt: number | null | undefined;
	#offerTimer: ReturnType<typeof setTimeout> | null = null;
	#stepsTimer: ReturnType<typeof setTimeout> | null = null;
	#writing = false;
	#failures = 0;
	#completing: Promise<Step> | null = null;
	#presence: Promise<void> = Promise.resolve();

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		const { storage } = ctx;
		this.#id = Number(ctx.id.name);
		this.#kept = new Keyed(storage);
		this.#log = new LogStore(storage);
		this.#reader = new LogReader(this.#log, this.#id, segmentsOf(env.STORE));
		this.#steps = new Steps(storage);
		this.#artifacts = new Artifacts(storage);
		this.#timers = new Timers(storage);
		this.#outbox = new Outbox(storage);
		this.#hash = this.#log.end.frames === 0 ? createHash('sha256') : null;
		this.#viewers = new Viewers(
			this.#log,
			this.#reader,
			() => (this.#state.step === 'done' ? this.#statusFrame() : null),
			async (sessions) => {
				const record = await this.#record();
				return record ? stillAllowed(systemCtx(env, ctx), record.project_id, sessions) : new Map();
			},
			(there) => {
				this.#tellPresence(there);
			},
		);
		if (this.#outbox.pending(1).length > 0 || this.#artifacts.next()) this.#writeSoon(WRITE_SOON_MS);
	}

	// ——— the room ———

	/** Offers the run to an agent. `gone`: it does not wait any more. */
	async offer(record: Run, spec: RunSpec, agent_id: number): Promise<'offered' | 'full' | 'offline' | 'gone'> {
		await this.#settleLog();
		this.#meet(record);
		// A cancel whose message was lost is found here at the latest.
		if (record.cancel_requested_at !== null) await this.cancel();
		// And an offer whose time ran out while the object slept.
		this.#step({ type: 'overdue' });
		if (this.#state.step !== 'queued') return 'gone';
		this.#kept.put('scripts', sentWith(spec));
		const { state } = this.#step({ type: 'offer', agent_id });
		const { epoch } = state;
		const sent = await this.#link(agent_id)
			.offer({ run_id: this.#id, epoch, project_id: spec.project_id, spec })
			.catch((error: unknown) => {
				console.error(`run ${String(this.#id)} could not be offered to agent ${String(agent_id)}:`, error);
				return 'offline' as const;
			});
		if (sent !== 'offered') this.#step({ type: 'not_sent', agent_id, epoch });
		return sent;
	}

	/** Why the run still waits, for those who watch. */
	async waiting(reason: Reason): Promise<void> {
		if (await this.#record()) this.#step({ type: 'waiting', reason });
	}

	async unrunnable(record: Run, reason: Reason): Promise<void> {
		await this.#settleLog();
		this.#meet(record);
		this.#step({ type: 'unrunnable', reason });
	}

	async cancel(): Promise<void> {
		if (!(await this.#record())) return;
		const { answer, state } = this.#step({ type: 'cancel' });
		if (answer === 'cancel' && state.agent_id !== null) await this.#link(state.agent_id).cancel(this.#id, state.epoch);
	}

	// ——— the agent's link: each says which agent and epoch it speaks for ———

	accepted(agent_id: number, epoch: number, need: string[]): Told {
		const result = this.#step({ type: 'accept', agent_id, epoch, needs_scripts: need.length > 0 });
		if (result.answer !== 'send') return this.#told(result);
		const known = this.#kept.get('scripts') ?? [];
		const scripts = need.flatMap((sha256) => known.filter((s) => s.sha256 === sha256).slice(0, 1));
		if (scripts.length === need.length) return { ...this.#told(result), scripts };
		const message = 'The agent asked for content that is none of the run’s scripts.';
		return this.unsendable(agent_id, epoch, { code: 'bad_request', message });
	}

	sent(agent_id: number, epoch: number): Told {
		return this.#told(this.#step({ type: 'sent', agent_id, epoch }));
	}

	unsendable(agent_id: number, epoch: number, reason: Reason): Told {
		return this.#told(this.#step({ type: 'unsendable', agent_id, epoch, reason }));
	}

	refused(agent_id: number, epoch: number, reason: Reason): Told {
		return this.#told(this.#step({ type: 'refuse', agent_id, epoch, reason }));
	}

	started(agent_id: number, epoch: number, started_at: string): Told {
		return this.#told(this.#step({ type: 'started', agent_id, epoch, started_at }));
	}

	/** Chunks in their order, as they came (protocol/run-frames.ts). */
	async chunks(agent_id: number, epoch: number, encoded: Uint8Array[]): Promise<Told> {
		const state = this.#state;
		const at = state.step;
		const mine = state.agent_id === agent_id && state.epoch === epoch;
		if (!mine || (at !== 'granted' && at !== 'running' && at !== 'finalizing'))
			return { answer: mine && at === 'done' ? 'done' : 'drop', free: false, seq: this.#log.seq };
		const chunks = encoded.map(decodeChunk);
		const last = Math.max(...chunks.map((c) => c.seq));
		if (state.damage) return { answer: null, free: false, seq: last };
		const first = this.#log.end.frames;
		const { taken, refused } = this.#log.append(chunks);
		for (const { frame } of taken) if (frame.kind === Kind.log) this.#hash?.update(frame.payload);
		this.#viewers.publish(
			taken.flatMap(({ frame, bytes }) => (frame.kind === Kind.record ? [] : [bytes])),
			first,
		);
		if (taken.filter((t) => t.frame.kind === Kind.record && this.#steps.take(t)).length > 0) this.#stepsChanged();
		if (taken.filter(({ frame }) => frame.kind === Kind.record && this.#artifacts.take(frame)).length > 0) {
			this.#timers.set('write', Date.now() + WRITE_LATEST_MS);
			this.#arm();
			this.#writeSoon(WRITE_SOON_MS);
		}
		if (this.#log.full) this.#seal();
		if (refused !== null) {
			const told = await this.damaged(agent_id, epoch, refused);
			return this.#state.damage ? { ...told, seq: last } : told;
		}
		const result = at === 'finalizing' ? await this.#complete() : null;
		return result ? this.#told(result) : { answer: null, free: false, seq: this.#log.seq };
	}

	/**
	 * What the agent sent as the run's log cannot be kept. It is asked for again; where that does not help the run is stopped, and fails:
	 * what else comes of its log is acknowledged and passed over, so that the agent can come to the end of it.
	 */
	async damaged(agent_id: number, epoch: number, why: string): Promise<Told> {
		if (!this.#state.damage && this.#doubt()) return { answer: 'resume', free: false, seq: this.#log.seq };
		return this.#told(await this.#stepToEnd({ type: 'log_damaged', agent_id, epoch, why }));
	}

	async finished(agent_id: number, epoch: number, finish: Finish): Promise<Told> {
		const event = { type: 'finish', agent_id, epoch, finish } as const;
		const result = this.#state.damage ? await this.#stepToEnd(event) : this.#step(event);
		if (result.answer !== null) return this.#told(result);
		const completed = await this.#complete();
		if (completed.state.step === 'done') return this.#told(completed);
		// What is missing is asked for. The second time in vain it is gone.
		if (this.#doubt()) return { answer: 'resume', free: false, seq: this.#log.seq };
		return this.#told(await this.#stepToEnd({ type: 'log_stored', whole: false }));
	}

	/** The agent is back, and this is what it knows of the run. */
	async known(agent_id: number, known: KnownRun): Promise<Told> {
		const told = this.#told(await this.#stepToEnd({ type: 'known', agent_id, known }));
		return this.#state.damage ? { ...told, seq: known.last_seq } : told;
	}

	/** The agent is back, and did not name the run. */
	async unnamed(agent_id: number): Promise<Told> {
		return this.#told(await this.#stepToEnd({ type: 'unnamed', agent_id }));
	}

	gone(agent_id: number): Told {
		return this.#told(this.#step({ type: 'gone', agent_id }));
	}

	async revoked(agent_id: number): Promise<Told> {
		return this.#told(await this.#stepToEnd({ type: 'revoked', agent_id }));
	}

	// ——— readers ———

	async logBytes(stream: LogStream | null, from: number, max: number): Promise<{ bytes: Uint8Array; total: number }> {
		await this.#settleLog();
		const bytes = max > 0 ? await this.#reader.bytes(stream, from, max) : new Uint8Array();
		return { bytes, total: this.#reader.size(stream) };
	}

	async logLines(from: number, count: number): Promise<LogLines> {
		await this.#settleLog();
		return this.#reader.lines(from, count);
	}

	async logSearch(query: { q: string; from_line: number; limit: number }): Promise<LogHits> {
		await this.#settleLog();
		return searchLog(this.#reader, query, Date.now);
	}

	/** The frames from number `from` on, of about `max` bytes; none at the end of the log. */
	async logFrames(from: number, max: number): Promise<Uint8Array[]> {
		await this.#settleLog();
		return this.#reader.encoded(from, max);
	}

	/** Keeps the log of a run that was over before this hub knew it (the demo's past). Only a stream without a log takes one. */
	importFinished(frames: Uint8Array[]): void {
		if (this.#log.seq > 0) return;
		this.#log.bring(this.#id, 0, frames);
		this.#hash = null;
	}

	/**
	 * Keeps a part of the log that comes with an archive, from frame number `from` on. Until that import is carried out nothing knows
	 * of it: another import puts its own in its place, and a run that is made here meanwhile finds no log (#settleLog).
	 */
	async bringLog(import_id: number, from: number, frames: Uint8Array[]): Promise<string | null> {
		if (this.#kept.get('record')) return 'this run is of this hub';
		if (this.#kept.get('brought') !== import_id) {
			this.#log.clear();
			this.#kept.put('brought', import_id);
		}
		if (from > this.#log.seq) return 'what comes before is missing';
		const { refused } = this.#log.bring(this.#id, from, frames);
		this.#hash = null;
		if (this.#log.full) await this.#log.seal(this.#id, segmentsOf(this.env.STORE));
		return refused;
	}

	// ——— viewers ———

	override async fetch(request: Request): Promise<Response> {
		const watcher = watcherOf(request);
		const from = Number(new URL(request.url).searchParams.get('from') ?? 0);
		if (!(await this.#record())) return new Response(null, { status: 404 });
		const { 0: client, 1: server } = new WebSocketPair();
		this.#viewers.add(server, watcher, from, this.#statusFrame());
		return new Response(null, { status: 101, webSocket: client });
	}

	/** The rights of a person (null: of anybody) in the project have changed. False when nobody watches. */
	rightsChanged(user_id: number | null): Promise<boolean> {
		return this.#viewers.rightsChanged(user_id);
	}

	/** Has the project's room pass such changes on, while somebody watches. One after the other: its last word counts. */
	#tellPresence(there: boolean) {
		this.#presence = this.#presence
			.then(async () => {
				const changedLately = await this.#room().watched(this.#id, there);
				// What the room told before it knew of the viewer.
				if (there && changedLately) await this.rightsChanged(null);
			})
			.catch((error: unknown) => {
				console.error(`the viewers of run ${String(this.#id)} could not be announced:`, error);
			});
		this.#later(this.#presence);
	}

	// ——— inside ———

	override async alarm(): Promise<void> {
		this.#alarmAt = null;
		for (const name of this.#timers.take(Date.now())) {
			if (name === 'due') await this.#stepToEnd({ type: 'overdue' });
			else if (name === 'write') await this.#write();
			else this.#seal();
		}
		this.#arm();
	}

	/** What an import left here is this run's log if that import was carried out, and nobody's if it was not. */
	async #settleLog(): Promise<void> {
		const brought = this.#kept.get('brought');
		if (!brought) return;
		if (!(await importIsDone(systemCtx(this.env, this.ctx), brought))) {
			this.#log.clear();
			this.#hash = createHash('sha256');
		}
		this.#kept.put('brought', 0);
	}

	get #state(): RunState {
		return this.#kept.get('state') ?? newRun;
	}

	/** Learns the run's row, the first time; later the stream knows better. */
	#meet(record: Run) {
		if (this.#kept.get('record')) return;
		this.#kept.put('record', record);
		this.#kept.put('state', stateOf(record));
	}

	async #record(): Promise<Run | null> {
		const kept = this.#kept.get('record');
		if (kept) return kept;
		await this.#settleLog();
		const record = await loadRun(systemCtx(this.env, this.ctx), this.#id);
		if (record) this.#meet(record);
		return record;
	}

	#step(event: RunEvent): Step {
		const before = this.#state;
		const result = step(before, event, Date.now());
		const { state, free, requeued } = result;
		if (state === before) return result;
		this.#kept.put('state', state);
		if (state.step === 'done') this.#steps.close(state.status, state.finished_at ?? new Date().toISOString());
		this.#await(state);
		this.#outbox.put(auditOf(before, state));
		this.#viewers.status(this.#statusFrame());
		// The link that said what led here frees the slot by the answer; where nobody said it, it has to be told.
		if (free && (event.type === 'cancel' || event.type === 'overdue'))
			this.#later(this.#link(free.agent_id).withdraw(this.#id, free.epoch));
		if (requeued) this.#later(this.#room().queued(this.#id));
		if (state.step === 'done') this.#timers.set('write', Date.now() + WRITE_LATEST_MS);
		this.#writeSoon(state.step === 'done' ? 0 : WRITE_SOON_MS);
		this.#arm();
		return result;
	}

	/** Has the step end when it has waited long enough. An offer is too short-lived for the alarm, which costs a write of its own. */
	#await({ step: at, due }: RunState) {
		if (this.#offerTimer !== null) clearTimeout(this.#offerTimer);
		const offering = due !== null && (at === 'offered' || at === 'accepted');
		this.#offerTimer = offering ? setTimeout(() => this.#step({ type: 'overdue' }), due - Date.now()) : null;
		this.#timers.set('due', offering ? null : due);
	}

	/** A step that may be the run's last: what its row then shows of the log is read first. */
	async #stepToEnd(event: RunEvent): Promise<Step> {
		if (this.#log.end.frames > 0) this.#excerpts = await excerptsOf(this.#reader);
		return this.#step(event);
	}

	/** Ends the run when all of its log is here. */
	#complete(): Promise<Step> {
		this.#completing ??= this.#completeNow().finally(() => {
			this.#completing = null;
		});
		return this.#completing;
	}

	async #completeNow(): Promise<Step> {
		const { finish } = this.#state;
		if (!finish || this.#log.seq < finish.last_seq)
			return { state: this.#state, answer: null, free: null, requeued: false };
		const sha256 = this.#hash?.copy().digest('hex') ?? (await this.#reader.sha256());
		const { seq, end } = this.#log;
		const whole = seq === finish.last_seq && end.offset === finish.bytes && sha256 === finish.sha256;
		return this.#stepToEnd({ type: 'log_stored', whole });
	}

	/** Whether the log may be asked for again from where it ends: once for each place, and not for ever. */
	#doubt(): boolean {
		const { seq } = this.#log;
		if (this.#doubts.has(seq) || this.#doubts.size === DOUBTS_MAX) return false;
		this.#doubts.add(seq);
		return true;
	}

	#told({ answer, free }: Step): Told {
		return { answer, free: free !== null, seq: this.#log.seq };
	}

	#statusFrame(): Uint8Array {
		const record = this.#kept.get('record');
		if (!record) throw new Error(`the stream of run ${String(this.#id)} has not met its run`);
		const row = rowOf(record, this.#state, this.#log.end, this.#excerpts ?? record, this.#shownSteps(record));
		return statusFrame(row, this.#log.end, Date.now());
	}

	/** A run that was over before this stream knew it has its steps in the record alone. */
	#shownSteps(record: Run): readonly RunStep[] {
		return this.#steps.all.length > 0 ? this.#steps.all : record.steps;
	}

	/** Steps began or ended. With many hosts that happens often, and each time the whole row would be told: so not at each. */
	#stepsChanged() {
		if (this.#stepsTimer !== null) return;
		this.#stepsTimer = setTimeout(
			() => {
				this.#stepsTimer = null;
				if (this.#state.step === 'done') return;
				this.#outbox.put(null);
				this.#viewers.status(this.#statusFrame());
				this.#writeSoon(WRITE_SOON_MS);
			},
			Math.min(STEPS_TOLD_MAX_MS, this.#steps.all.length * STEPS_TOLD_MS_EACH),
		);
	}

	#seal() {
		this.#later(
			this.#log.seal(this.#id, segmentsOf(this.env.STORE)).catch((error: unknown) => {
				console.error(`the log of run ${String(this.#id)} could not be sealed:`, error);
				this.#timers.set('seal', Date.now() + SEAL_AGAIN_MS);
				this.#arm();
			}),
		);
	}

	#writeSoon(ms: number) {
		setTimeout(() => {
			this.#later(this.#write());
		}, ms);
	}

	/** Writes down what the record does not have yet. One attempt at a time; what fails is tried again by the alarm. */
	async #write() {
		if (this.#writing) return;
		this.#writing = true;
		try {
			const record = await this.#record();
			while (record && this.#outbox.pending(1).length > 0) {
				if (this.#state.step === 'done') this.#excerpts ??= await excerptsOf(this.#reader);
				const changes = this.#outbox.pending().map(({ seq, entry }): RunChange => ({ seq, audit: entry }));
				const excerpts = this.#excerpts ?? record;
				const columns = columnsOf(this.#id, this.#state, this.#log.end, excerpts, this.#shownSteps(record));
				this.#kept.put('record', await applyRun(systemCtx(this.env, this.ctx), record, changes, columns));
				this.#outbox.done(changes.at(-1)?.seq ?? 0);
			}
			for (let made = this.#artifacts.next(); made; made = this.#artifacts.next()) {
				const run = this.#kept.get('record');
				const agent_id = this.#state.agent_id;
				if (run && made.text !== null) await takePlan(systemCtx(this.env, this.ctx), { ...run, agent_id }, made.text);
				this.#artifacts.done(made.n);
			}
			this.#failures = 0;
			this.#timers.set('write', null);
		} catch (error) {
			this.#failures++;
			console.error(`run ${String(this.#id)} could not be written down, attempt ${String(this.#failures)}:`, error);
			this.#timers.set('write', Date.now() + backoff(this.#failures));
		} finally {
			this.#writing = false;
			this.#arm();
		}
	}

	#link(agent_id: number) {
		return this.env.AGENT_LINK.getByName(String(agent_id));
	}

	#room() {
		const record = this.#kept.get('record');
		if (!record) throw new Error(`the stream of run ${String(this.#id)} has not met its run`);
		return this.env.PROJECT_ROOM.getByName(String(record.project_id));
	}

	/** Work that nobody waits for; the sweep makes good what fails. */
	#later(work: Promise<unknown>) {
		this.ctx.waitUntil(
			work.catch((error: unknown) => {
				console.error(`run ${String(this.#id)}:`, error);
			}),
		);
	}

	/** Sets the alarm where it would ring too late. One that rings too early costs less than setting it anew. */
	#arm() {
		const next = this.#timers.next();
		if (next === this.#alarmAt || (next !== null && this.#alarmAt && this.#alarmAt <= next)) return;
		this.#alarmAt = next;
		this.#later(next === null ? this.ctx.storage.deleteAlarm() : this.ctx.storage.setAlarm(next));
	}
}

/** What an agent may ask for beside the spec itself. */
const sentWith = ({ steps, inventory }: RunSpec): Script[] => [
	...steps.flatMap((s) => (s.location_type === 'uploaded' ? [{ sha256: s.sha256, size: s.size }] : [])),
	...(inventory ? [{ sha256: inventory.sha256, size: inventory.size, kind: 'inventories' as const }] : []),
];

/** What of a step is audited: that the run was handed to an agent, and how it ended. */
function auditOf(before: RunState, after: RunState): RunChange['audit'] {
	const { agent_id, epoch, status, exit_code, reason } = after;
	if (after.step === 'granted' && before.step !== 'granted')
		return { action: 'run.grant', metadata: { agent_id, epoch } };
	if (after.step === 'done')
		return { action: 'run.finish', metadata: { status, exit_code, reason: reason?.code ?? null } };
	return null;
}
