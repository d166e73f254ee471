import { LINE_TEXT_MAX, type LogLine } from '#domain/log.ts';
import { type Frame, Kind, Stream } from '#protocol/run-frames.ts';
import { z } from 'zod';
import { sgrOf } from './ansi.ts';

/** The frames leave bytes out: what lies between must be asked for again. */
export class MissingBytes extends Error {}

const Gap = z.object({ dropped: z.number().min(0), reason: z.string() });
const LF = 10;
const CR = 13;
const streams = ['none', 'stdout', 'stderr'] as const;

/** A line that is still being written. A `\r` starts its text over, so that a progress bar never grows. */
class OpenLine {
	readonly head: Pick<LogLine, 'line' | 'offset' | 'stream' | 't_ms'>;
	#text = '';
	#bytes = 0;
	#cut = false;
	#returned = false;
	#carried = '';
	#decoder = new TextDecoder();

	constructor(head: OpenLine['head']) {
		this.head = head;
	}

	append(bytes: Uint8Array) {
		for (let at = 0; at < bytes.length;) {
			const cr = bytes.indexOf(CR, at);
			if (cr === at) {
				this.#returned = true;
				at++;
				continue;
			}
			if (this.#returned) this.#startOver();
			const end = cr === -1 ? bytes.length : cr;
			this.#write(bytes.subarray(at, end));
			at = end;
		}
	}

	/** The line as it stands; `whole` when nothing can follow, so that half a character shows as U+FFFD. */
	snapshot(whole: boolean): LogLine {
		if (whole) this.#text += this.#decoder.decode();
		const line: LogLine = { ...this.head, text: this.#carried + this.#text };
		return this.#cut ? { ...line, truncated: true } : line;
	}

	#startOver() {
		this.#carried = sgrOf(this.#carried + this.#text);
		this.#text = '';
		this.#bytes = 0;
		this.#cut = false;
		this.#returned = false;
		this.#decoder = new TextDecoder();
	}

	#write(bytes: Uint8Array) {
		const room = LINE_TEXT_MAX - this.#bytes;
		if (bytes.length > room) this.#cut = true;
		const taken = bytes.subarray(0, Math.max(0, room));
		this.#bytes += taken.length;
		this.#text += this.#decoder.decode(taken, { stream: true });
	}
}

/**
 * Turns the frames of a log into its lines, as `domain/log.ts` says what a line is, whatever the frames' borders.
 * Begins at the start of a line.
 */
export class LogBuffer {
	#next: number;
	#offset: number;
	#open: OpenLine | null = null;
	#gap = { offset: -1, t_ms: -1 };

	constructor(start: { line: number; offset: number } = { line: 1, offset: 0 }) {
		this.#next = start.line;
		this.#offset = start.offset;
	}

	/** The byte that is expected next: where to go on from after a cut. */
	get offset(): number {
		return this.#offset;
	}

	/**
	 * The lines that are new or changed, in their order; only the last of them may still change. Bytes that were had already are
	 * passed over. Throws `MissingBytes`.
	 */
	push(frame: Frame): LogLine[] {
		if (frame.offset > this.#offset) throw new MissingBytes();
		if (frame.kind === Kind.gap) return this.#pushGap(frame);
		if (frame.kind !== Kind.log) return [];
		const bytes = frame.payload.subarray(this.#offset - frame.offset);
		if (bytes.length === 0) return [];

		const stream = streams[frame.stream] ?? 'none';
		const lines: LogLine[] = [];
		if (this.#open && this.#open.head.stream !== stream) lines.push(this.#close(this.#open));
		for (let at = 0; at < bytes.length;) {
			const lf = bytes.indexOf(LF, at);
			const end = lf === -1 ? bytes.length : lf;
			this.#open ??= new OpenLine({ line: this.#next++, offset: this.#offset, stream, t_ms: frame.t_ms });
			this.#open.append(bytes.subarray(at, end));
			this.#offset += end - at + (lf === -1 ? 0 : 1);
			if (lf !== -1) lines.push(this.#close(this.#open));
			at = end + 1;
		}
		if (this.#open) lines.push(this.#open.snapshot(false));
		return lines;
	}

	#pushGap({ offset, t_ms, payload }: Frame): LogLine[] {
		// A gap has no bytes of its own, so going on from its offset may bring it a second time.
		if (offset < this.#offset || (this.#gap.offset === offset && this.#gap.t_ms === t_ms)) return [];
		this.#gap = { offset, t_ms };
		const lines = this.#open ? [this.#close(this.#open)] : [];
		const gap = Gap.parse(JSON.parse(new TextDecoder().decode(payload)));
		lines.push({ line: this.#next++, offset, stream: streams[Stream.none], t_ms, text: '', gap });
		return lines;
	}

	#close(line: OpenLine): LogLine {
		this.#open = null;
		return line.snapshot(true);
	}
}
