import { encodeFrame, Kind, Stream } from '#protocol/run-frames.ts';

/** The log of a run that never ran, for the demo's past: lines with their times, as the scripts of the demo write them. */
export class Transcript {
	readonly frames: Uint8Array[] = [];
	readonly started_ms: number;
	#now: number;
	#offset = 0;
	#lines = 0;
	#out = '';
	#err = '';

	constructor(started_ms: number) {
		this.started_ms = started_ms;
		this.#now = started_ms;
	}

	get bytes(): number {
		return this.#offset;
	}
	get lines(): number {
		return this.#lines;
	}
	get ended_ms(): number {
		return this.#now;
	}
	get stdout(): string {
		return this.#out;
	}
	get stderr(): string {
		return this.#err;
	}

	wait(ms: number): this {
		this.#now += ms;
		return this;
	}
	line(text: string): this {
		return this.#write(Stream.stdout, `${text}\n`);
	}
	step(text: string): this {
		return this.wait(120).line('').line(`\u001b[1;36m▸ ${text}\u001b[0m`);
	}
	ok(text: string): this {
		return this.wait(140).line(`\u001b[32m✔\u001b[0m ${text}`);
	}
	warn(text: string): this {
		return this.wait(60).line(`\u001b[33m▲\u001b[0m ${text}`);
	}
	bad(text: string): this {
		return this.wait(60).#write(Stream.stderr, `\u001b[31m✘ ${text}\u001b[0m\n`);
	}
	/** A progress bar that draws over itself, up to `until` per cent. */
	bar(label: string, until = 100): this {
		for (let percent = 0; percent <= until; percent += 12.5) {
			const full = '#'.repeat(Math.floor(percent / 4));
			const drawn = `\u001b[32m${full}\u001b[90m${'.'.repeat(25 - full.length)}\u001b[0m`;
			this.wait(320).#write(
				Stream.stdout,
				`\r  ${label.padEnd(10)} [${drawn}] ${String(Math.floor(percent)).padStart(3)}%`,
			);
		}
		return this.line('');
	}

	#write(stream: Stream, text: string): this {
		const payload = new TextEncoder().encode(text);
		this.frames.push(
			encodeFrame({ kind: Kind.log, stream, offset: this.#offset, t_ms: Math.round(this.#now), payload }),
		);
		this.#offset += payload.length;
		if (text.endsWith('\n')) this.#lines++;
		if (stream === Stream.stderr) this.#err += text;
		else this.#out += text;
		return this;
	}
}
