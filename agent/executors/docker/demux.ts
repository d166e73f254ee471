import { Stream } from '#protocol/run-frames.ts';
import type { OutputStream } from '../contract.ts';

const HEADER = 8;

/** What came is not what an engine sends. */
export class NotMultiplexed extends Error {}

/** Takes apart what an engine sends for a container without a terminal: pieces of both streams, each after a header, however it is cut. */
export class Demux {
	#header = Buffer.alloc(0);
	#stream: OutputStream = Stream.stdout;
	#left = 0;

	/** In the order of the two streams. Throws `NotMultiplexed`. */
	*push(bytes: Buffer): Generator<{ stream: OutputStream; bytes: Buffer }> {
		for (let at = 0; at < bytes.length;) {
			if (this.#left > 0) {
				const piece = bytes.subarray(at, at + this.#left);
				this.#left -= piece.length;
				at += piece.length;
				yield { stream: this.#stream, bytes: piece };
				continue;
			}
			const missing = bytes.subarray(at, at + HEADER - this.#header.length);
			this.#header = Buffer.concat([this.#header, missing]);
			at += missing.length;
			if (this.#header.length === HEADER) this.#begin();
		}
	}

	#begin(): void {
		const [kind, ...zero] = this.#header.subarray(0, 4);
		if ((kind !== 1 && kind !== 2) || zero.some((byte) => byte !== 0))
			throw new NotMultiplexed('the engine sent output that cannot be taken apart');
		this.#stream = kind === 1 ? Stream.stdout : Stream.stderr;
		this.#left = this.#header.readUInt32BE(4);
		this.#header = Buffer.alloc(0);
	}
}
