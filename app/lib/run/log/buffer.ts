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

/** One for all lines: each costs the browser more than the text of a line does. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const BOM = '\ufeff';
const withoutBom = (text: string) => (text.startsWith(BOM) ? text.slice(1) : text);

/** A line that is still being written. A `\r` starts its text over, so that a progress bar never grows. */
class OpenLine {
	readonly head: Pick<LogLine, 'line' | 'offset' | 'stream' | 't_ms'>;
	#kept: Uint8Array[] = [];
	#bytes = 0;
	#cut = false;
	#returned = false;
	#carried = '';

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
		const line: LogLine = { ...this.head, text: this.#carried + this.#text(whole) };
		return this.#cut ? { ...line, truncated: true } : line;
	}

	#text(whole: boolean): string {
		const [only = new Uint8Array()] = this.#kept;
		const bytes = this.#kept.length > 1 ? joined(this.#kept, this.#bytes) : only;
		if (whole) return withoutBom(decoder.decode(bytes));
		const text = decoder.decode(bytes, { stream: true });
		// What half a character left behind is not the next line's.
		decoder.decode();
		return withoutBom(text);
	}

	#startOver() {
		this.#carried = sgrOf(this.#carried + this.#text(false));
		this.#kept = [];
		this.#bytes = 0;
		this.#cut = false;
		this.#returned = false;
	}

	#write(bytes: Uint8Array) {
		const room = LINE_TEXT_MAX - this.#bytes;
		if (bytes.length > room) this.#cut = true;
		const taken = bytes.subarray(0, Math.max(0, room));
		if (taken.length === 0) return;
		this.#bytes += taken.length;
		this.#kept.push(taken);
	}
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
	const whole = new Uint8Array(length);
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
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
		let at = 0;
		if (this.#open) {
			const lf = bytes.indexOf(LF);
			at = lf === -1 ? bytes.length : lf + 1;
			this.#open.append(bytes.subarray(0, lf === -1 ? at : lf));
			if (lf !== -1) lines.push(this.#close(this.#open));
		}
		const head = { stream, t_ms: frame.t_ms };
		const end = Math.max(at, bytes.lastIndexOf(LF) + 1);
		this.#pushWhole(lines, bytes.subarray(at, end), this.#offset + at, head);
		if (end < bytes.length) {
			this.#open = new OpenLine({ line: this.#next++, offset: this.#offset + end, ...head });
			this.#open.append(bytes.subarray(end));
		}
		this.#offset += bytes.length;
		if (this.#open) lines.push(this.#open.snapshot(false));
		return lines;
	}

	/** Lines that are there as a whole, which most are: decoded together, so that what is kept of each is a part of one text. */
	#pushWhole(lines: LogLine[], bytes: Uint8Array, offset: number, head: Pick<LogLine, 'stream' | 't_ms'>) {
		if (bytes.length === 0) return;
		let at = 0;
		for (const text of decoder.decode(bytes.subarray(0, -1)).split('\n')) {
			const lf = bytes.indexOf(LF, at);
			const line = { line: this.#next++, offset: offset + at, ...head };
			if (lf - at > LINE_TEXT_MAX || text.includes('\r')) {
				const open = new OpenLine(line);
				open.append(bytes.subarray(at, lf));
				lines.push(open.snapshot(true));
			} else lines.push({ ...line, text: withoutBom(text) });
			at = lf + 1;
		}
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
