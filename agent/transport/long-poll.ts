import { z } from 'zod';
import { AGENT_PATIENCE, backoff } from '#protocol/backoff.ts';
import {
	BATCH_MAX,
	decodeBatch,
	type Encoded,
	encodeBatch,
	encodePacket,
	gathered,
	isClose,
	POLL_MS,
	SESSION_HEADER,
} from '#protocol/batch.ts';
import { BadFrame } from '#protocol/run-frames.ts';
import { parseJson } from '../config.ts';
import { codeOf } from '../failure.ts';
import type { Dial, Ended, Listener, Transport } from './contract.ts';
import { sayClose } from './websocket.ts';

const ANSWER_MS = 10_000;
/** How long requests may fail before the connection counts as lost. The hub gives it up after 20 s. */
const PATIENCE_MS = 15_000;
const CLOSE_MS = 1000;

const Session = z.object({ session: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
const Problem = z.object({ detail: z.string().max(500) });

/** Ends the connection. */
class Over extends Error {
	readonly how: Ended['how'];
	constructor(why: string, how: Ended['how'] = 'other') {
		super(why);
		this.how = how;
	}
}
/** May succeed when it is tried again: the very same request, which the hub carries out once however often it comes. */
class Failed extends Error {}

/** The connection by plain requests, for where WebSockets do not get through; what is sent and when: protocol/PROTOCOL.md. */
export const dialLongPoll: Dial = (at, listener) => new LongPoll(at.hub, at.agent_id, listener);

class LongPoll implements Transport {
	readonly kind = 'long-poll';
	readonly #hub: URL;
	readonly #agent_id: number;
	readonly #listener: Listener;
	readonly #stopped = new AbortController();
	#session = '';
	/** The number of the next frame from the hub, and of the first in `#waiting`. */
	#next = 1;
	#first = 1;
	#waiting: Encoded[] = [];
	#sending: Promise<void> | null = null;

	constructor(hub: URL, agent_id: number, listener: Listener) {
		this.#hub = hub;
		this.#agent_id = agent_id;
		this.#listener = listener;
		void this.#live();
	}

	send(frame: string | Uint8Array): void {
		this.#waiting.push(encodePacket(frame));
		this.#flush();
	}

	async close(code: number, reason: string): Promise<void> {
		if (this.#stopped.signal.aborted) return;
		if (this.#session !== '') {
			this.#waiting.push(encodePacket({ code, reason }));
			this.#flush();
		}
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
		await Promise.race([this.#sending, late]);
		clearTimeout(timer);
		this.#end(new Over(sayClose(code, reason)));
	}

	async #live(): Promise<void> {
		try {
			await this.#open();
			for (;;) await this.#fetch();
		} catch (error) {
			this.#end(error);
		}
	}

	async #open(): Promise<void> {
		const body = await this.#post('poll', new Uint8Array(), ANSWER_MS);
		const opened = Session.safeParse(parseJson(body.toString()));
		if (!opened.success) throw new Over('it did not answer as a hub does', 'unknown_here');
		this.#session = opened.data.session;
	}

	async #fetch(): Promise<void> {
		const body = await this.#again('poll', encodeBatch(this.#next, []), POLL_MS + ANSWER_MS);
		const { first, packets } = read(body);
		if (first > this.#next) throw new Over('it left frames out');
		for (const packet of packets.slice(this.#next - first)) {
			this.#next++;
			if (isClose(packet)) throw new Over(sayClose(packet.code, packet.reason));
			if (this.#stopped.signal.aborted) return;
			if (typeof packet === 'string') this.#listener.text(packet);
			else this.#listener.binary(Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength));
		}
	}

	/** One request at a time, with all that has gathered meanwhile. What goes wrong ends the connection. */
	#flush(): void {
		this.#sending ??= this.#drain()
			.catch((error: unknown) => {
				// The hub has closed it: the request that waits is told why.
				if (!(error instanceof Over && error.how === 'unknown_here')) this.#end(error);
				this.#waiting = [];
			})
			.finally(() => {
				this.#sending = null;
				if (this.#waiting.length > 0 && !this.#stopped.signal.aborted) this.#flush();
			});
	}

	async #drain(): Promise<void> {
		// What is said in the same turn goes together.
		await Promise.resolve();
		while (this.#waiting.length > 0 && !this.#stopped.signal.aborted) {
			const count = gathered(this.#waiting);
			await this.#again('send', encodeBatch(this.#first, this.#waiting.slice(0, count)), ANSWER_MS);
			this.#first += count;
			this.#waiting.splice(0, count);
		}
	}

	/** Makes a request again and again while it may yet succeed. */
	async #again(path: 'poll' | 'send', body: Uint8Array<ArrayBuffer>, within_ms: number): Promise<Buffer> {
		let since: number | null = null;
		for (let attempt = 0; ; attempt++) {
			try {
				return await this.#post(path, body, within_ms);
			} catch (error) {
				since ??= performance.now();
				const wait = backoff(attempt, Math.random(), AGENT_PATIENCE);
				if (!(error instanceof Failed) || performance.now() + wait - since > PATIENCE_MS) throw error;
				await new Promise((resolve) => setTimeout(resolve, wait));
			}
		}
	}

	async #post(path: 'poll' | 'send', body: Uint8Array<ArrayBuffer>, within_ms: number): Promise<Buffer> {
		this.#stopped.signal.throwIfAborted();
		let response: Response;
		let answer: Buffer;
		try {
			response = await fetch(new URL(`/live/agent/${path}?agent=${String(this.#agent_id)}`, this.#hub), {
				method: 'POST',
				headers: {
					'content-type': 'application/octet-stream',
					...(this.#session && { [SESSION_HEADER]: this.#session }),
				},
				body,
				redirect: 'error',
				signal: AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(within_ms)]),
			});
			answer = await bytesOf(response);
		} catch (error) {
			if (error instanceof Over) throw error;
			throw new Failed(codeOf(error) || 'it did not answer');
		}
		if (response.ok) return answer;
		const { status } = response;
		if (status >= 500 || status === 408) throw new Failed(`it answered ${String(status)}`);
		const said = Problem.safeParse(parseJson(answer.toString())).data?.detail;
		const how = status === 404 || status === 405 ? 'unknown_here' : 'other';
		throw new Over(`it answered ${String(status)}${said === undefined ? '' : `: ${said}`}`, how);
	}

	#end(error: unknown): void {
		if (this.#stopped.signal.aborted) return;
		this.#stopped.abort();
		if (!(error instanceof Over) && !(error instanceof Failed)) throw error;
		this.#listener.ended({ why: error.message, how: error instanceof Over ? error.how : 'other' });
	}
}

/** No more than a hub says at once. */
async function bytesOf(response: Response): Promise<Buffer> {
	const parts: Uint8Array[] = [];
	let size = 0;
	for await (const part of response.body ?? []) {
		size += part.length;
		if (size > BATCH_MAX) throw new Over('it answered with more than a hub does');
		parts.push(part);
	}
	return Buffer.concat(parts);
}

function read(body: Uint8Array) {
	try {
		return decodeBatch(body);
	} catch (error) {
		if (error instanceof BadFrame) throw new Over(`it did not answer as a hub does: ${error.message}`);
		throw error;
	}
}
