import type { RunRecord } from '#protocol/run-record.ts';
import type { OutputStream } from './executors/contract.ts';
import type { Told } from './journal.ts';
import type { Lane } from './lane.ts';
import { LogStreamer, type StreamerOptions } from './log-streamer.ts';
import { Sender } from './sender.ts';
import type { Spool } from './spool.ts';

export interface RunLogOptions extends Omit<StreamerOptions, 'onWritten'> {
	/** A chunk is to be sent; it is dropped where the hub is away. */
	send: (chunk: Uint8Array) => void;
	/** All of it is sent, and the finish is to follow. */
	sent: () => void;
	/** What is in the spool cannot be read back. */
	onUnreadable: (error: unknown) => void;
}

/** A run's log, from what its processes say to what the hub has: masked, kept in the spool, sent. */
export class RunLog {
	readonly #spool: Spool;
	readonly #streamer: LogStreamer;
	readonly #sender: Sender;

	constructor(options: RunLogOptions) {
		this.#spool = options.spool;
		this.#sender = new Sender(options.spool, {
			chunk: options.send,
			finish: options.sent,
			packs: options.packs,
			onError: options.onUnreadable,
		});
		this.#streamer = new LogStreamer({
			...options,
			onWritten: (chunks) => {
				this.#sender.add(chunks);
			},
		});
	}

	get last_seq(): number {
		return this.#spool.last_seq;
	}

	/** What a finish says of it. */
	get whole(): { last_seq: number; bytes: number; sha256: string } {
		return { last_seq: this.#spool.last_seq, bytes: this.#spool.bytes, sha256: this.#spool.sha256() };
	}

	/** SHA-256 of the SHA-256s of all its chunks; null where not all are known. */
	get chunks_sha256(): string | null {
		return this.#spool.chunks_sha256;
	}

	write(stream: OutputStream, bytes: Buffer): Promise<void> | undefined {
		return this.#streamer.write(stream, bytes);
	}

	note(stream: OutputStream, text: string): void {
		this.#streamer.note(stream, text);
	}

	record(record: RunRecord): void {
		this.#streamer.record(record);
	}

	/** A host's own way into the log, where there are several. */
	lane(host: string): Lane {
		return this.#streamer.lane(host);
	}

	/** How much was told, once all of it is in the spool. */
	async settled(): Promise<Told> {
		await this.#streamer.settle();
		return this.#spool.told;
	}

	/** Nothing more comes; resolves when all of it is in the spool. */
	end(): Promise<void> {
		return this.#streamer.end();
	}

	resume(next_seq: number): void {
		this.#sender.resume(next_seq);
	}

	pause(): void {
		this.#sender.pause();
	}

	ack(seq: number): void {
		this.#sender.ack(seq);
	}

	/** When all of it is sent, so is the finish. */
	finish(): void {
		this.#sender.finish();
	}

	remove(): Promise<void> {
		return this.#spool.remove();
	}
}
