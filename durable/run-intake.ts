import { encodeFrame, Kind, type Stream } from '#protocol/run-frames.ts';
import type { Appended, LogStore } from './core/log-store.ts';
import type { RunCourse } from './run-course.ts';
import type { RunDesk } from './run-desk.ts';
import type { RunWriter } from './run-writer.ts';
import type { Viewers } from './viewers.ts';

/** What is new of a run's log, whoever says it: kept, then shown, and its records taken up. */
export class RunIntake {
	readonly #desk: RunDesk;
	readonly #course: RunCourse;
	readonly #writer: RunWriter;
	readonly #viewers: Viewers;

	constructor(desk: RunDesk, course: RunCourse, writer: RunWriter, viewers: Viewers) {
		this.#desk = desk;
		this.#course = course;
		this.#writer = writer;
		this.#viewers = viewers;
	}

	/** A part of the log as the hub's own word. What is over says no more. */
	say(stream: Stream, text: string): void {
		if (this.#desk.state.step === 'done') return;
		const payload = new TextEncoder().encode(text);
		this.take((log) =>
			log.bring(this.#desk.id, log.seq, [
				encodeFrame({ kind: Kind.log, stream, offset: log.end.offset, t_ms: Date.now(), payload }),
			]),
		);
	}

	/** Answers what is wrong with the first part that cannot be kept; null when nothing is. */
	take(append: (log: LogStore) => Appended): string | null {
		const { log, hash, steps } = this.#desk;
		const first = log.end.frames;
		const { taken, refused } = append(log);
		for (const { sha256 } of taken) hash?.update(sha256);
		this.#viewers.publish(
			taken.flatMap(({ frame, bytes }) => (frame.kind === Kind.record ? [] : [bytes])),
			first,
		);
		const records = taken.filter(({ frame }) => frame.kind === Kind.record);
		if (records.filter((record) => steps.take(record)).length > 0) this.#course.stepsChanged();
		this.#writer.made(records.map(({ frame }) => frame));
		if (log.full) this.#desk.seal();
		return refused;
	}
}
