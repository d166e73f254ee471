import { DurableObject } from 'cloudflare:workers';
import type { LogHits, LogLines, LogStream } from '#domain/log.ts';
import type { Reported, RunCallback } from '#domain/run-callback.ts';
import type { Reason } from '#domain/run-reason.ts';
import type { Run } from '#domain/run.ts';
import type { KnownRun } from '#protocol/agent.ts';
import { awaitsCallback, type RunSpec } from '#protocol/run-spec.ts';
import { stillAllowed } from '#worker/services/live/still-allowed.ts';
import { calm } from './core/calm.ts';
import { searchLog } from './core/log-search.ts';
import { Callbacks } from './callbacks.ts';
import { HubWork } from './hub-work.ts';
import { RunCourse } from './run-course.ts';
import { RunDesk } from './run-desk.ts';
import { RunIntake } from './run-intake.ts';
import { RunTalk, type Said, type Told } from './run-talk.ts';
import { RunWriter } from './run-writer.ts';
import { segmentsOf } from './segments.ts';
import { sentWith } from './send-scripts.ts';
import { Viewers } from './viewers.ts';
import { watcherOf } from './watcher.ts';

/** A socket that comes after a change is looked at again for ten seconds: it is announced long before. */
const ANNOUNCED_WITHIN_MS = 500;

/** One run: its state, its log, its viewers. A shell: what it decides is in core/ and in the parts beside it. */
export class RunStream extends DurableObject<Env> {
	readonly #desk: RunDesk;
	readonly #writer: RunWriter;
	readonly #viewers: Viewers;
	readonly #course: RunCourse;
	readonly #talk: RunTalk;
	readonly #hub: HubWork;
	readonly #callbacks: Callbacks;
	#presence: Promise<void> = Promise.resolve();
	/** What the room knows of the viewers: whether there are any. */
	#announced = false;

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		const desk = new RunDesk(ctx, env);
		this.#desk = desk;
		this.#writer = new RunWriter(desk, ctx.storage);
		this.#viewers = new Viewers(
			desk.log,
			desk.reader,
			() => (desk.state.step === 'done' ? desk.statusFrame() : null),
			async (sessions) => {
				const record = await desk.record();
				return record ? stillAllowed(desk.ctx, record.project_id, sessions) : new Map();
			},
			() => {
				this.#tellPresence();
			},
		);
		this.#course = new RunCourse(desk, this.#writer, this.#viewers, () => {
			this.#callbacks.handedOver();
		});
		const intake = new RunIntake(desk, this.#course, this.#writer, this.#viewers);
		this.#talk = new RunTalk(desk, this.#course, intake);
		this.#callbacks = new Callbacks(desk, this.#course, intake);
		this.#hub = new HubWork(env, ctx.storage, desk, this.#course, intake);
	}

	// ——— the room ———

	/** Offers the run to an agent. `gone`: it does not wait any more. */
	async offer(record: Run, spec: RunSpec, agent_id: number): Promise<'offered' | 'full' | 'offline' | 'gone'> {
		const { id, kept } = this.#desk;
		if (!(await this.#waits(record))) return 'gone';
		kept.put('scripts', sentWith(spec));
		const awaited_s = awaitsCallback(spec) ? spec.timeout_s : 0;
		// Of nearly all runs it is none, which is not worth a write.
		if (awaited_s !== (kept.get('awaited_s') ?? 0)) kept.put('awaited_s', awaited_s);
		const { state } = this.#course.step({ type: 'offer', agent_id });
		const { epoch } = state;
		const sent = await this.#desk
			.link(agent_id)
			.offer({ run_id: id, epoch, project_id: spec.project_id, spec })
			.catch((error: unknown) => {
				console.error(`run ${String(id)} could not be offered to agent ${String(agent_id)}:`, error);
				return 'offline' as const;
			});
		if (sent !== 'offered') this.#course.step({ type: 'not_sent', agent_id, epoch });
		return sent;
	}

	/** Has the hub itself carry the run out. `gone`: it does not wait any more. */
	async begin(record: Run, spec: RunSpec): Promise<'offered' | 'gone'> {
		return (await this.#waits(record)) ? this.#hub.begin(record, spec) : 'gone';
	}

	/** Whether an agent was offered the run, or has it. */
	async underWay(): Promise<boolean> {
		await this.#desk.record();
		this.#course.step({ type: 'overdue' });
		const { step } = this.#desk.state;
		return step !== 'queued' && step !== 'done';
	}

	/** Whether the run has ended, also where the record does not have it yet. */
	async isOver(): Promise<boolean> {
		await this.#desk.record();
		return this.#desk.state.step === 'done';
	}

	/** Why the run still waits, for those who watch. */
	async waiting(reason: Reason): Promise<void> {
		if (await this.#desk.record()) this.#course.step({ type: 'waiting', reason });
	}

	async unrunnable(record: Run, end: { status: 'failed' | 'canceled'; reason: Reason }): Promise<void> {
		await this.#desk.settleLog();
		this.#desk.meet(record);
		this.#course.step({ type: 'unrunnable', ...end });
	}

	/** People decided something about the run, which the record has. */
	async decided(): Promise<void> {
		const row = await this.#desk.meetAgain();
		if (row?.reason) this.#course.step({ type: 'waiting', reason: row.reason });
		if (row) this.#viewers.status(this.#desk.statusFrame());
	}

	async cancel(): Promise<void> {
		if (!(await this.#desk.record())) return;
		if (this.#desk.state.awaits !== null) return this.#hub.cancel();
		const { answer, state } = this.#course.step({ type: 'cancel' });
		if (answer === 'cancel' && state.agent_id !== null)
			await this.#desk.link(state.agent_id).cancel(this.#desk.id, state.epoch);
	}

	/** What is said of the run where it was asked for, by who has its token. */
	reported(callback: RunCallback): Promise<Reported> {
		return this.#callbacks.reported(callback);
	}

	// ——— the agent's link ———

	accepted(agent_id: number, epoch: number, need: string[], callback_sha256?: string): Told {
		return this.#talk.accepted(agent_id, epoch, need, callback_sha256);
	}

	sent(agent_id: number, epoch: number): Told {
		return this.#talk.sent(agent_id, epoch);
	}

	unsendable(agent_id: number, epoch: number, reason: Reason): Told {
		return this.#talk.unsendable(agent_id, epoch, reason);
	}

	refused(agent_id: number, epoch: number, reason: Reason): Told {
		return this.#talk.refused(agent_id, epoch, reason);
	}

	said(agent_id: number, epoch: number, said: Said[]): Promise<Told[]> {
		return this.#talk.said(agent_id, epoch, said);
	}

	known(agent_id: number, known: KnownRun): Promise<Told> {
		return this.#talk.known(agent_id, known);
	}

	unnamed(agent_id: number): Promise<Told> {
		return this.#talk.unnamed(agent_id);
	}

	gone(agent_id: number): Told {
		return this.#talk.gone(agent_id);
	}

	revoked(agent_id: number): Promise<Told> {
		return this.#talk.revoked(agent_id);
	}

	// ——— readers ———

	async logBytes(stream: LogStream | null, from: number, max: number): Promise<{ bytes: Uint8Array; total: number }> {
		const { reader } = this.#desk;
		await this.#desk.settleLog();
		const bytes = max > 0 ? await reader.bytes(stream, from, max) : new Uint8Array();
		return { bytes, total: reader.size(stream) };
	}

	async logLines(from: number, count: number): Promise<LogLines> {
		await this.#desk.settleLog();
		return this.#desk.reader.lines(from, count);
	}

	async logSearch(query: { q: string; from_line: number; limit: number }): Promise<LogHits> {
		await this.#desk.settleLog();
		return searchLog(this.#desk.reader, query, Date.now);
	}

	/** The frames from number `from` on, of about `max` bytes; none at the end of the log. */
	async logFrames(from: number, max: number): Promise<Uint8Array[]> {
		await this.#desk.settleLog();
		return this.#desk.reader.encoded(from, max);
	}

	/** Keeps the log of a run that was over before this hub knew it (the demo's past). Only a stream without a log takes one. */
	importFinished(frames: Uint8Array[]): void {
		const { id, log } = this.#desk;
		if (log.seq > 0) return;
		log.bring(id, 0, frames);
		this.#desk.hash = null;
	}

	/**
	 * Keeps a part of the log that comes with an archive, from frame number `from` on. Until that import is carried out nothing knows
	 * of it: another import puts its own in its place, and a run that is made here meanwhile finds no log (RunDesk.settleLog).
	 */
	async bringLog(import_id: number, from: number, frames: Uint8Array[]): Promise<string | null> {
		const { id, kept, log } = this.#desk;
		if (kept.get('record')) return 'this run is of this hub';
		if (kept.get('brought') !== import_id) {
			log.clear();
			kept.put('brought', import_id);
		}
		if (from > log.seq) return 'what comes before is missing';
		const { refused } = log.bring(id, from, frames);
		this.#desk.hash = null;
		if (log.full) await log.seal(id, segmentsOf(this.env.STORE));
		return refused;
	}

	// ——— viewers ———

	override async fetch(request: Request): Promise<Response> {
		const watcher = watcherOf(request);
		const from = Number(new URL(request.url).searchParams.get('from') ?? 0);
		if (!(await this.#desk.record())) return new Response(null, { status: 404 });
		const { 0: client, 1: server } = new WebSocketPair();
		this.#viewers.add(server, watcher, from, this.#desk.statusFrame());
		return new Response(null, { status: 101, webSocket: client });
	}

	/** The rights of a person (null: of anybody) in the project have changed. False when nobody watches. */
	rightsChanged(user_id: number | null): Promise<boolean> {
		return this.#viewers.rightsChanged(user_id);
	}

	/**
	 * Has the project's room pass such changes on, while somebody watches; who has left before the thread had time was never announced.
	 * One after the other: its last word counts.
	 */
	#tellPresence() {
		const { id } = this.#desk;
		this.#presence = this.#presence
			.then(() => calm(ANNOUNCED_WITHIN_MS))
			.then(async () => {
				const there = this.#viewers.some;
				if (there === this.#announced) return;
				this.#announced = there;
				const changedLately = await this.#desk.room().watched(id, there);
				// What the room told before it knew of the viewer.
				if (there && changedLately) await this.rightsChanged(null);
			})
			.catch((error: unknown) => {
				console.error(`the viewers of run ${String(id)} could not be announced:`, error);
			});
		this.#desk.later(this.#presence);
	}

	/** Meets the run, and asks whether it still waits in the queue. */
	async #waits(record: Run): Promise<boolean> {
		await this.#desk.settleLog();
		this.#desk.meet(record);
		// A cancel whose message was lost is found here at the latest.
		if (record.cancel_requested_at !== null) await this.cancel();
		// And an offer whose time ran out while the object slept.
		this.#course.step({ type: 'overdue' });
		return this.#desk.state.step === 'queued';
	}

	override async alarm(): Promise<void> {
		const { alarm } = this.#desk;
		for (const name of alarm.rang(Date.now())) {
			if (name === 'due') await this.#course.stepToEnd({ type: 'overdue' });
			else if (name === 'write') await this.#writer.write();
			else if (name === 'awake') await this.#hub.awake();
			else this.#desk.seal();
		}
		alarm.arm();
	}
}
