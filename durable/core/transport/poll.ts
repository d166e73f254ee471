import { createHash } from 'node:crypto';
import {
	type Batch,
	decodeBatch,
	type Encoded,
	encodeBatch,
	encodePacket,
	gathered,
	isClose,
	type Packet,
	POLL_GAP_MS,
	POLL_MS,
} from '#protocol/batch.ts';
import { Close } from '#protocol/close-codes.ts';
import { BadFrame } from '#protocol/run-frames.ts';
import type { Connection, Stage } from './connection.ts';

/** What may wait for an agent that does not fetch it, in bytes: two scripts of the largest size, and some. */
const WAITING_MAX = 41_943_040;
/** Connections that are open, or closed and not yet told so. */
const SESSIONS_MAX = 64;

/** Why a request changed nothing. */
export interface Refused {
	refused: 'invalid' | 'not_found' | 'conflict' | 'too_many';
	message: string;
}
const refuse = (refused: Refused['refused'], message: string): Refused => ({ refused, message });

/** The answer to a request for frames. */
export interface Fetched {
	batch: Uint8Array<ArrayBuffer>;
}

export interface Heard {
	/** Frames in their order, each once. */
	said: (connection: PollConnection, packet: string | Uint8Array) => void;
	/** Closed, by whichever side, or not polled for too long. Told once. */
	closed: (connection: PollConnection) => void;
}

/**
 * A connection over plain requests: one that waits for what the hub has to say, and one after the other with what the agent says.
 * Whatever becomes of a request or its answer on the way, no frame is lost or taken twice: what goes down is kept until the agent asks for what
 * comes after it, what comes up is taken in the order of its numbers, and a request that is made again does what it did before.
 * It lives in memory: when the object loses that, the agent finds its session unknown, connects anew, and all is settled at its hello.
 */
export class PollConnection implements Connection {
	stage: Stage | null;
	readonly #heard: Heard;
	readonly #forget: () => void;
	/** Sent, and not yet known to have arrived; `#first` is the number of the first of them. */
	#waiting: Encoded[] = [];
	#size = 0;
	#first = 1;
	/** The request that waits for them. */
	#poll: { answer: (fetched: Fetched) => void; timer: ReturnType<typeof setTimeout> } | null = null;
	/** Runs while nothing waits. */
	#gap: ReturnType<typeof setTimeout> | null = null;
	#answering = false;
	/** What the agent said: the number of the latest frame, and the batch it came with. */
	#taken = 0;
	#last: { first: number; sha256: string } | null = null;
	#open = true;

	constructor(stage: Stage | null, heard: Heard, forget: () => void) {
		this.stage = stage;
		this.#heard = heard;
		this.#forget = forget;
		this.#expect();
	}

	get open(): boolean {
		return this.#open;
	}

	send(frame: string | Uint8Array): void {
		if (!this.#open) return;
		this.#put(frame);
		if (this.#size > WAITING_MAX) this.close(Close.tooFast, 'too much that was not fetched');
	}

	close(code: number, reason: string): void {
		if (!this.#open) return;
		this.#put({ code, reason });
		this.#end();
	}

	/** Answers with what there is from the frame `next` on, as soon as there is something, or with nothing when the time is over. */
	poll(body: Uint8Array): Promise<Fetched> | Refused {
		const batch = read(body);
		if ('refused' in batch) return batch;
		const next = batch.first;
		if (batch.packets.length > 0) return refuse('invalid', 'a request for frames carries none');
		if (next < this.#first || next > this.#first + this.#waiting.length)
			return refuse('conflict', `The next frame to be asked for is ${String(this.#first)} or later.`);
		for (const { bytes } of this.#waiting.splice(0, next - this.#first)) this.#size -= bytes.length;
		this.#first = next;
		// The agent, or something in between, has given the older request up.
		this.#answer();
		this.#expect(false);
		const answered = new Promise<Fetched>((answer) => {
			this.#poll = { answer, timer: setTimeout(() => this.#answer(), POLL_MS) };
		});
		if (this.#waiting.length > 0 || !this.#open) this.#answer();
		return answered;
	}

	/** Takes what the agent says. The very batch that was taken last may come again, for its answer may have been lost. */
	take(body: Uint8Array): Refused | null {
		const batch = read(body);
		if ('refused' in batch) return batch;
		const { first, packets } = batch;
		if (packets.length === 0) return refuse('invalid', 'there is no frame in it');
		const sha256 = createHash('sha256').update(body).digest('hex');
		if (first === this.#last?.first && sha256 === this.#last.sha256) return null;
		if (!this.#open) return refuse('not_found', 'The connection is closed.');
		if (first !== this.#taken + 1)
			return refuse(
				'conflict',
				`${first <= this.#taken ? 'These frames came before' : 'Frames before these are missing'}: number ${String(this.#taken + 1)} is next.`,
			);
		this.#taken += packets.length;
		this.#last = { first, sha256 };
		for (const packet of packets) {
			if (isClose(packet)) this.#gone();
			// A copy: what is passed on must not keep, or take along, the rest of the batch.
			else if (this.#open) this.#heard.said(this, typeof packet === 'string' ? packet : packet.slice());
		}
		return null;
	}

	#put(packet: Packet) {
		const encoded = encodePacket(packet);
		this.#waiting.push(encoded);
		this.#size += encoded.bytes.length;
		if (this.#answering || !this.#poll) return;
		// What is said in the same turn goes together.
		this.#answering = true;
		queueMicrotask(() => {
			this.#answering = false;
			this.#answer();
		});
	}

	#answer() {
		const poll = this.#poll;
		if (!poll) return;
		this.#poll = null;
		clearTimeout(poll.timer);
		const count = gathered(this.#waiting);
		poll.answer({ batch: encodeBatch(this.#first, this.#waiting.slice(0, count)) });
		this.#expect();
		// Should the agent not get this one, it finds the session unknown, which means the same.
		if (!this.#open && count === this.#waiting.length) this.#gone();
	}

	/** Starts, or stops, waiting for the agent to ask. */
	#expect(wanted = true) {
		if (this.#gap !== null) clearTimeout(this.#gap);
		this.#gap = wanted ? setTimeout(() => this.#gone(), POLL_GAP_MS) : null;
	}

	/** Nobody asks any more, or need be told anything. */
	#gone() {
		this.#expect(false);
		this.#forget();
		this.#end();
	}

	/** What was said before is still there to be fetched, for a while. */
	#end() {
		if (!this.#open) return;
		this.#open = false;
		queueMicrotask(() => {
			this.#answer();
			this.#heard.closed(this);
		});
	}
}

function read(body: Uint8Array): Batch | Refused {
	try {
		return decodeBatch(body);
	} catch (error) {
		if (error instanceof BadFrame) return refuse('invalid', error.message);
		throw error;
	}
}

/** The connections that are made of requests, by the session each of them names. */
export class Polls {
	readonly #heard: Heard;
	readonly #sessions = new Map<string, PollConnection>();

	constructor(heard: Heard) {
		this.#heard = heard;
	}

	get all(): PollConnection[] {
		return [...this.#sessions.values()];
	}

	/** `session`: the hub's choice, so that nobody can know or propose it. */
	open(session: string, stage: Stage): PollConnection | Refused {
		if (this.#sessions.size >= SESSIONS_MAX) return refuse('too_many', 'Too many connections.');
		const connection = new PollConnection(stage, this.#heard, () => this.#sessions.delete(session));
		this.#sessions.set(session, connection);
		return connection;
	}

	of(session: string): PollConnection | Refused {
		return this.#sessions.get(session) ?? refuse('not_found', 'There is no such connection (any more): connect anew.');
	}
}
