import { LINE_TEXT_MAX, type LogLine } from '#domain/log.ts';
import { type Frame, type Gap, Kind } from '#protocol/run-frames.ts';
import { parseGap } from './gap.ts';
import { after, type Mark } from './log-mark.ts';

const names = ['none', 'stdout', 'stderr'] as const;
export const streamName = (stream: number): LogLine['stream'] => names[stream] ?? 'none';

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
/** Bytes that are not UTF-8 become U+FFFD. */
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Most lines lie in one frame, and are not copied. */
const whole = (parts: Uint8Array[]): Uint8Array => {
	const [only = new Uint8Array()] = parts;
	return parts.length > 1 ? Buffer.concat(parts) : only;
};

interface Open {
	line: number;
	offset: number;
	stream: number;
	t_ms: number;
	parts: Uint8Array[];
	size: number;
	gap?: Gap;
}

/** Collects the lines `first` to `last` out of stretches in a row, up to the first that is too long to be collected whole. */
export class LinesPart {
	readonly #first: number;
	readonly #last: number;
	readonly #done: Open[] = [];
	#open: Open | null = null;

	constructor(first: number, last: number) {
		this.#first = first;
		this.#last = last;
	}

	/** True when no more is needed. */
	take({ before, frames }: { before: Mark; frames: readonly Frame[] }): boolean {
		let mark = before;
		for (const frame of frames) {
			const next = after(mark, frame);
			if (frame.kind !== Kind.record && next.lines >= this.#first && this.#frame(frame, mark)) return true;
			mark = next;
		}
		return false;
	}

	#frame(frame: Frame, mark: Mark): boolean {
		if (frame.kind === Kind.gap) {
			this.#close();
			if (mark.lines + 1 > this.#last) return true;
			const gap = parseGap(frame.payload);
			this.#begin(mark.lines + 1, frame, 0);
			if (this.#open && gap) this.#open.gap = gap;
			this.#close();
			return mark.lines + 1 === this.#last;
		}
		const { payload, stream } = frame;
		let line = mark.lines;
		let open = mark.open === stream;
		if (!open) this.#close();
		for (let at = 0; at < payload.length;) {
			if (!open) {
				line++;
				if (line > this.#last) return true;
				this.#begin(line, frame, at);
			}
			const feed = payload.indexOf(10, at);
			const end = feed === -1 ? payload.length : feed + 1;
			if (this.#add(payload.subarray(at, feed === -1 ? end : feed))) return true;
			open = feed === -1;
			if (!open) this.#close();
			at = end;
		}
		return false;
	}

	#begin(line: number, frame: Frame, at: number) {
		if (line < this.#first) return;
		const { stream, t_ms } = frame;
		this.#open = { line, offset: frame.offset + at, stream, t_ms, parts: [], size: 0 };
	}

	/** True when the line is longer than what is given of one. */
	#add(bytes: Uint8Array): boolean {
		if (!this.#open) return false;
		this.#open.parts.push(bytes);
		this.#open.size += bytes.length;
		return this.#open.size > LINE_TEXT_MAX;
	}

	#close() {
		if (this.#open) this.#done.push(this.#open);
		this.#open = null;
	}

	lines(): LogLine[] {
		this.#close();
		return this.#done.map(({ line, offset, stream, t_ms, parts, size, gap }) => ({
			line,
			offset,
			stream: gap ? 'none' : streamName(stream),
			t_ms,
			text: textOf(whole(parts).subarray(0, LINE_TEXT_MAX)),
			...(size > LINE_TEXT_MAX && { truncated: true as const }),
			...(gap && { gap }),
		}));
	}
}
