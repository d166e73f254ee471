import { createHash, timingSafeEqual } from 'node:crypto';
import { utf8Length } from '#domain/bytes.ts';
import { CALLBACK_LOG_MAX, EARLY_REPORTS_MAX, type Reported, type RunCallback } from '#domain/run-callback.ts';
import type { Reason } from '#domain/run-reason.ts';
import { Stream } from '#protocol/run-frames.ts';
import { ANSWER_MAX, type Ended, without } from '#protocol/run-request.ts';
import { TokenBucket } from './core/token-bucket.ts';
import type { RunCourse } from './run-course.ts';
import type { RunDesk } from './run-desk.ts';
import type { RunIntake } from './run-intake.ts';

/** Of one run, at once and per second. */
const CALLBACKS = 60;
const CALLBACKS_PER_S = 2;

/**
 * What is said of a run where it was asked for, by who has its token. While an agent has the run the log is the agent's: what is said
 * meanwhile is kept, and follows what the agent has to say.
 */
export class Callbacks {
	readonly #desk: RunDesk;
	readonly #course: RunCourse;
	readonly #intake: RunIntake;
	/** A callback ends the run at this moment. */
	#ending = false;
	readonly #bucket = new TokenBucket(CALLBACKS, CALLBACKS_PER_S, Date.now());

	constructor(desk: RunDesk, course: RunCourse, intake: RunIntake) {
		this.#desk = desk;
		this.#course = course;
		this.#intake = intake;
		this.handedOver();
	}

	/** Adds to the log, or ends the run; where several would, the first does. */
	async reported({ token, status, message, output }: RunCallback): Promise<Reported> {
		const { callback, awaits, step } = this.#desk.state;
		const begun = awaits !== null || step === 'granted' || step === 'running' || step === 'finalizing';
		if (!callback || !begun || callback.told || this.#ending || !sameHash(callback.hash, token)) return 'void';
		if (!this.#bucket.take(Date.now())) return 'too_many';
		const reason: Reason = { code: 'reported', message: without(token, message ?? 'It was reported as failed.') };
		const said = without(token, [output, ...(status === 'failed' ? [] : [message])].filter(Boolean).join('\n'));
		const early = awaits === null;
		if (early && !this.#fitsEarly(said)) return 'too_many';
		this.#say(early, Stream.stdout, said);
		if (status === 'running') return 'taken';
		if (status === 'failed') this.#say(early, Stream.stderr, reason.message);
		const told: Ended = { outcome: status, reason: status === 'failed' ? reason : null };
		if (early) this.#course.step({ type: 'answered', epoch: this.#desk.state.epoch, ...told });
		else await this.#end(told);
		return 'taken';
	}

	/** No agent has the run any more: what was said while one had it is said now, and ends it where it was an end. */
	handedOver(): void {
		const { kept, state } = this.#desk;
		if (state.awaits !== 'callback') return;
		const early = kept.get('early') ?? [];
		if (early.length > 0) kept.put('early', []);
		for (const { stream, text } of early) this.#intake.say(Stream[stream], text);
		if (state.callback?.told) this.#desk.later(this.#end(state.callback.told));
	}

	async #end(told: Ended): Promise<void> {
		this.#ending = true;
		await this.#course.stepToEnd({ type: 'answered', epoch: this.#desk.state.epoch, ...told });
	}

	#say(early: boolean, stream: typeof Stream.stdout | typeof Stream.stderr, said: string): void {
		if (said === '') return;
		const text = said.endsWith('\n') ? said : `${said}\n`;
		const { kept, log } = this.#desk;
		const name = stream === Stream.stdout ? 'stdout' : 'stderr';
		if (early) kept.put('early', [...(kept.get('early') ?? []), { stream: name, text }]);
		else if (log.end.offset + utf8Length(text) <= ANSWER_MAX + CALLBACK_LOG_MAX) this.#intake.say(stream, text);
	}

	#fitsEarly(said: string): boolean {
		return utf8Length(JSON.stringify([this.#desk.kept.get('early') ?? [], said])) <= EARLY_REPORTS_MAX;
	}
}

export const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');
const sameHash = (hash: string, token: string): boolean =>
	timingSafeEqual(Buffer.from(hash), Buffer.from(hashOf(token)));
