import { Stream } from '#protocol/run-frames.ts';
import type { Output } from '../contract.ts';
import { ClusterError } from './failure.ts';

/** A time as nodes write it before a line, with the space behind it. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d) $/;
const TIME_MAX = 40;

/** The cluster has not kept the beginning of a log. */
export class Rotated extends Error {}

/** Takes the time off each line, however the bytes are cut. Throws `ClusterError` for what is no log: it is said in its place. */
export class Lines {
	#prefix: Buffer | null = Buffer.alloc(0);

	/** `at`: the time of a line that begins here. */
	*push(bytes: Buffer): Generator<{ at: string | null; bytes: Buffer }> {
		for (let from = 0; from < bytes.length;) {
			let at: string | null = null;
			if (this.#prefix !== null) {
				const space = bytes.indexOf(0x20, from);
				const end = space === -1 ? bytes.length : space + 1;
				this.#prefix = Buffer.concat([this.#prefix, bytes.subarray(from, end)]);
				from = end;
				if (space === -1 && this.#prefix.length < TIME_MAX) return;
				const text = this.#prefix.toString('latin1');
				if (!TIME.test(text))
					throw new ClusterError(`it sent no log: ${text}${bytes.toString('utf8', from, from + 200)}`, null);
				this.#prefix = null;
				at = text.slice(0, -1);
			}
			const newline = bytes.indexOf(0x0a, from);
			const end = newline === -1 ? bytes.length : newline + 1;
			if (newline !== -1) this.#prefix = Buffer.alloc(0);
			if (at !== null || end > from) yield { at, bytes: bytes.subarray(from, end) };
			from = end;
		}
	}
}

/**
 * What a step says, given on once, however often the cluster ends its answer. It is asked again for all from the second of the newest
 * line on; what was heard of that second is left out.
 */
export class StepLog {
	readonly #output: Output;
	readonly #first: string | null;
	readonly #found: (time: string) => Promise<void>;
	#begun = false;
	#second = 0;
	/** Of that second, given on. */
	#heard = 0;

	/** `first`: the time its first line has to have, for an earlier process of the agent has given on some of it; else `found` is told of it. */
	constructor(output: Output, first: string | null, found: (time: string) => Promise<void>) {
		this.#output = output;
		this.#first = first;
		this.#found = found;
	}

	/** From where it is to be asked for; null: all of it. */
	get since(): string | null {
		return this.#begun ? new Date(this.#second * 1000).toISOString().replace('.000', '') : null;
	}

	/** Gives one answer on. Throws `Rotated` where the beginning is to be told again and is gone. */
	async take(answer: AsyncIterable<Buffer>): Promise<void> {
		const lines = new Lines();
		let again = this.#heard;
		for await (const part of answer)
			for (const { at, bytes } of lines.push(part)) {
				if (at !== null) {
					if (!this.#begun) await this.#begin(at);
					const second = Math.floor(Date.parse(at) / 1000);
					if (second > this.#second) {
						if (again > 0)
							this.#output.note(Stream.stdout, 'uhub: what was said here is gone: the cluster did not keep it');
						this.#second = second;
						this.#heard = 0;
						again = 0;
					}
				}
				const known = Math.min(again, bytes.length);
				again -= known;
				if (known === bytes.length) continue;
				this.#heard += bytes.length - known;
				await this.#output.write(Stream.stdout, bytes.subarray(known));
			}
	}

	async #begin(at: string): Promise<void> {
		if (this.#first !== null && at !== this.#first)
			throw new Rotated('the cluster has not kept the beginning of its log');
		if (this.#first === null) await this.#found(at);
		this.#begun = true;
	}
}
