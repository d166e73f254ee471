import type { Reason } from '#domain/run-reason.ts';
import type { Finish, KnownRun } from '#protocol/agent.ts';
import { decodeChunk } from '#protocol/run-frames.ts';
import type { Answer, Step } from './core/run-machine.ts';
import type { RunCourse } from './run-course.ts';
import type { RunDesk } from './run-desk.ts';
import type { RunIntake } from './run-intake.ts';
import type { Script } from './send-scripts.ts';

/** What an agent says of a run that it has begun, in its order. */
export type Said =
	| { type: 'started'; at: string }
	| { type: 'chunk'; bytes: Uint8Array }
	/** A chunk that cannot be read. */
	| { type: 'damaged'; why: string }
	| { type: 'finish'; finish: Finish };

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

/** How often a log may arrive damaged, at ever new places, before the run is given up. */
const DOUBTS_MAX = 8;

/** What an agent says of a run, by its link: each says which agent and epoch it speaks for. */
export class RunTalk {
	readonly #desk: RunDesk;
	readonly #course: RunCourse;
	readonly #intake: RunIntake;
	/** Where the log ended when something of it arrived damaged, or was missing. */
	readonly #doubts = new Set<number>();
	#completing: Promise<Step> | null = null;

	constructor(desk: RunDesk, course: RunCourse, intake: RunIntake) {
		this.#desk = desk;
		this.#course = course;
		this.#intake = intake;
	}

	/** `callback_sha256`: of the token that the agent gives along with a request. */
	accepted(agent_id: number, epoch: number, need: string[], callback_sha256?: string): Told {
		const awaited_s = this.#desk.kept.get('awaited_s') ?? 0;
		const callback =
			callback_sha256 !== undefined && awaited_s > 0
				? { hash: callback_sha256, until: Date.now() + awaited_s * 1000, told: null }
				: null;
		const result = this.#course.step({ type: 'accept', agent_id, epoch, needs_scripts: need.length > 0, callback });
		if (result.answer !== 'send') return this.#told(result);
		const known = this.#desk.kept.get('scripts') ?? [];
		const scripts = need.flatMap((sha256) => known.filter((s) => s.sha256 === sha256).slice(0, 1));
		if (scripts.length === need.length) return { ...this.#told(result), scripts };
		const message = 'The agent asked for content that is none of the run’s scripts.';
		return this.unsendable(agent_id, epoch, { code: 'bad_request', message });
	}

	sent(agent_id: number, epoch: number): Told {
		return this.#told(this.#course.step({ type: 'sent', agent_id, epoch }));
	}

	unsendable(agent_id: number, epoch: number, reason: Reason): Told {
		return this.#told(this.#course.step({ type: 'unsendable', agent_id, epoch, reason }));
	}

	refused(agent_id: number, epoch: number, reason: Reason): Told {
		return this.#told(this.#course.step({ type: 'refuse', agent_id, epoch, reason }));
	}

	/** All of it in one turn where it can be: then it is written with one sync. Chunks that follow each other have one answer. */
	async said(agent_id: number, epoch: number, said: readonly Said[]): Promise<Told[]> {
		const told: Told[] = [];
		let chunks: Uint8Array[] = [];
		for (const [n, each] of said.entries()) {
			if (each.type === 'chunk') {
				chunks.push(each.bytes);
				if (said[n + 1]?.type === 'chunk') continue;
				told.push(await this.#chunks(agent_id, epoch, chunks));
				chunks = [];
			} else if (each.type === 'started')
				told.push(this.#told(this.#course.step({ type: 'started', agent_id, epoch, started_at: each.at })));
			else if (each.type === 'damaged') told.push(await this.#damaged(agent_id, epoch, each.why));
			else told.push(await this.#finished(agent_id, epoch, each.finish));
		}
		return told;
	}

	/** Chunks as they came (protocol/run-frames.ts). */
	async #chunks(agent_id: number, epoch: number, encoded: Uint8Array[]): Promise<Told> {
		const { log, state } = this.#desk;
		const at = state.step;
		const mine = state.agent_id === agent_id && state.epoch === epoch;
		if (mine && state.awaits !== null) return { answer: 'done', free: false, seq: log.seq };
		if (!mine || (at !== 'granted' && at !== 'running' && at !== 'finalizing'))
			return { answer: mine && at === 'done' ? 'done' : 'drop', free: false, seq: log.seq };
		const chunks = encoded.map(decodeChunk);
		const last = Math.max(...chunks.map((c) => c.seq));
		if (state.damage) return { answer: null, free: false, seq: last };
		const refused = this.#intake.take((log) => log.append(chunks));
		if (refused !== null) {
			const told = await this.#damaged(agent_id, epoch, refused);
			return this.#desk.state.damage ? { ...told, seq: last } : told;
		}
		const result = at === 'finalizing' ? await this.#complete() : null;
		return result ? this.#told(result) : { answer: null, free: false, seq: log.seq };
	}

	/**
	 * What the agent sent as the run's log cannot be kept. It is asked for again; where that does not help the run is stopped, and fails:
	 * what else comes of its log is acknowledged and passed over, so that the agent can come to the end of it.
	 */
	async #damaged(agent_id: number, epoch: number, why: string): Promise<Told> {
		if (!this.#desk.state.damage && this.#doubt()) return { answer: 'resume', free: false, seq: this.#desk.log.seq };
		return this.#told(await this.#course.stepToEnd({ type: 'log_damaged', agent_id, epoch, why }));
	}

	async #finished(agent_id: number, epoch: number, finish: Finish): Promise<Told> {
		const event = { type: 'finish', agent_id, epoch, finish } as const;
		const result = this.#desk.state.damage ? await this.#course.stepToEnd(event) : this.#course.step(event);
		if (result.answer !== null) return this.#told(result);
		const completed = await this.#complete();
		if (completed.answer !== null) return this.#told(completed);
		// What is missing is asked for. The second time in vain it is gone.
		if (this.#doubt()) return { answer: 'resume', free: false, seq: this.#desk.log.seq };
		return this.#told(await this.#course.stepToEnd({ type: 'log_stored', whole: false }));
	}

	/** The agent is back, and this is what it knows of the run. */
	async known(agent_id: number, known: KnownRun): Promise<Told> {
		const told = this.#told(await this.#course.stepToEnd({ type: 'known', agent_id, known }));
		return this.#desk.state.damage ? { ...told, seq: known.last_seq } : told;
	}

	/** The agent is back, and did not name the run. */
	async unnamed(agent_id: number): Promise<Told> {
		return this.#told(await this.#course.stepToEnd({ type: 'unnamed', agent_id }));
	}

	gone(agent_id: number): Told {
		return this.#told(this.#course.step({ type: 'gone', agent_id }));
	}

	async revoked(agent_id: number): Promise<Told> {
		return this.#told(await this.#course.stepToEnd({ type: 'revoked', agent_id }));
	}

	/** Ends the run when all of its log is here. */
	#complete(): Promise<Step> {
		this.#completing ??= this.#completeNow().finally(() => {
			this.#completing = null;
		});
		return this.#completing;
	}

	async #completeNow(): Promise<Step> {
		const { state, log } = this.#desk;
		const { finish } = state;
		if (!finish || log.seq < finish.last_seq) return { state, answer: null, free: null, requeued: false };
		const whole = log.seq === finish.last_seq && log.end.offset === finish.bytes && (await this.#hashes(finish));
		return this.#course.stepToEnd({ type: 'log_stored', whole });
	}

	/**
	 * Whether the log is what its agent says it is. Where the hash of its chunks is not known, to an agent of an older protocol or to a stream
	 * that forgot, all of it is read.
	 */
	async #hashes({ sha256, chunks_sha256 }: Finish): Promise<boolean> {
		const { hash, reader } = this.#desk;
		if (chunks_sha256 === undefined || !hash) return sha256 === (await reader.sha256());
		return chunks_sha256 === hash.copy().digest('hex');
	}

	/** Whether the log may be asked for again from where it ends: once for each place, and not for ever. */
	#doubt(): boolean {
		const { seq } = this.#desk.log;
		if (this.#doubts.has(seq) || this.#doubts.size === DOUBTS_MAX) return false;
		this.#doubts.add(seq);
		return true;
	}

	#told({ answer, free }: Step): Told {
		return { answer, free: free !== null, seq: this.#desk.log.seq };
	}
}
