import { Stream } from '#protocol/run-frames.ts';
import type { OutputStream } from './executors/contract.ts';
import { type Forms, Masker } from './mask.ts';

/** A longer line is broken here: what waits for its end is held in memory. */
const LINE_MAX = 262_144;
const LF = 0x0a;
const CR = 0x0d;
const ESC = 0x1b;
const RESET = Buffer.from('\x1b[0m');

type Take = (stream: OutputStream, bytes: Buffer) => Promise<void> | undefined;

/**
 * The output of one host among several: whole lines only, each with its host before it, so that no line holds words of two. Masked
 * before it is cut, for a secret may lie across a cut.
 */
export class Lane {
	readonly #prefix: Buffer;
	readonly #take: Take;
	readonly #streams: Record<OutputStream, { masker: Masker; open: Buffer[]; length: number }>;

	constructor(host: string, forms: Forms, take: Take) {
		this.#prefix = Buffer.from(`[${host.replace(/\p{C}/gu, '')}] `);
		this.#take = take;
		const stream = () => ({ masker: new Masker(forms), open: [], length: 0 });
		this.#streams = { [Stream.stdout]: stream(), [Stream.stderr]: stream() };
	}

	/** A promise means: enough for now, go on when it resolves. */
	write(stream: OutputStream, bytes: Buffer): Promise<void> | undefined {
		return this.#push(stream, this.#streams[stream].masker.push(bytes));
	}

	/** Nothing more comes for now: what was begun is given out, and ends here. */
	end(): void {
		for (const stream of [Stream.stdout, Stream.stderr]) {
			this.#push(stream, this.#streams[stream].masker.end());
			if (this.#streams[stream].length > 0) this.#push(stream, Buffer.of(LF));
		}
	}

	#push(stream: OutputStream, bytes: Buffer): Promise<void> | undefined {
		const state = this.#streams[stream];
		const lines: Buffer[] = [];
		for (let at = 0; at < bytes.length;) {
			const lf = bytes.indexOf(LF, at);
			const room = at + LINE_MAX - state.length;
			const end = Math.min(lf === -1 ? bytes.length : lf, room);
			state.open.push(bytes.subarray(at, end));
			state.length += end - at;
			at = end;
			if (end === lf) at++;
			else if (end < room) break;
			lines.push(...this.#line(Buffer.concat(state.open)));
			state.open = [];
			state.length = 0;
		}
		return lines.length === 0 ? undefined : this.#take(stream, Buffer.concat(lines));
	}

	#line(line: Buffer): Buffer[] {
		// What a carriage return starts over begins with its host again; one before the line's end does not.
		const parts: Buffer[] = [this.#prefix];
		let at = 0;
		for (let cr = line.indexOf(CR); cr !== -1 && cr < line.length - 1; cr = line.indexOf(CR, cr + 1)) {
			parts.push(line.subarray(at, cr + 1), this.#prefix);
			at = cr + 1;
		}
		parts.push(line.subarray(at));
		// A colour must not run on into the next host's line.
		if (line.includes(ESC)) parts.push(RESET);
		parts.push(Buffer.of(LF));
		return parts;
	}
}
