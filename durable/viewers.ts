import type { Frame } from '#protocol/run-frames.ts';
import { Close } from '#protocol/close-codes.ts';
import { cutFrame, type LogReader } from './core/log-reader.ts';
import type { LogStore } from './core/log-store.ts';
import type { Watcher } from './watcher.ts';

interface Place extends Watcher {
	/** The first byte the viewer asked for. */
	from: number;
	/** The next frame to read from storage; null: it has all and is sent what comes. */
	next: number | null;
}

/**
 * What may lie unread in the viewers' sockets, in bytes: all of them together, and one alone, as far as that goes.
 * A viewer that is further behind is fed from storage at its own speed.
 */
const UNREAD_ALL = 33_554_432;
const UNREAD_MOST = 4_194_304;
const UNREAD_LEAST = 524_288;
/** A viewer that took nothing at all for so long is let go; it resumes from its offset. */
const STUCK_MS = 30_000;
const LOOK_EVERY_MS = 20;
export const VIEWERS_MAX = 10_000;

/**
 * The sockets of a run's viewers. A viewer reads from storage until it has all, and in that very turn goes over to what comes
 * live: nothing is missed or told twice. What is sent was stored before, in the same turn or earlier, and workerd holds every
 * outgoing message until the writes before it are durable; so what a viewer has seen is never lost.
 */
export class Viewers {
	readonly #sockets: () => WebSocket[];
	readonly #log: LogStore;
	readonly #reader: LogReader;
	/** The frame that ends it all, once the run is over. */
	readonly #last: () => Uint8Array | null;
	readonly #places = new Map<WebSocket, Place>();

	constructor(sockets: () => WebSocket[], log: LogStore, reader: LogReader, last: () => Uint8Array | null) {
		this.#sockets = sockets;
		this.#log = log;
		this.#reader = reader;
		this.#last = last;
		for (const ws of sockets()) {
			const place = ws.deserializeAttachment() as Place | null;
			if (place) this.#places.set(ws, place);
		}
	}

	/** Takes up again what an eviction interrupted. */
	resume(): void {
		for (const [ws, place] of this.#places) if (place.next !== null) void this.#feed(ws, place);
	}

	get #unreadMax(): number {
		return Math.max(UNREAD_LEAST, Math.min(UNREAD_MOST, UNREAD_ALL / Math.max(1, this.#places.size)));
	}

	get full(): boolean {
		return this.#sockets().length >= VIEWERS_MAX;
	}

	/** `first` is the status frame every viewer starts with. */
	add(ws: WebSocket, watcher: Watcher, from: number, first: Uint8Array): void {
		const place: Place = { ...watcher, from: Math.min(from, this.#log.end.offset), next: 0 };
		this.#places.set(ws, place);
		ws.serializeAttachment(place);
		ws.send(first);
		void this.#start(ws, place);
	}

	remove(ws: WebSocket): void {
		this.#places.delete(ws);
	}

	/** Frames that were stored in this turn, the first of them number `number`. */
	publish(frames: readonly Uint8Array[], number: number): void {
		const now = Date.now();
		const most = this.#unreadMax;
		for (const [ws, place] of this.#places) {
			if (place.next !== null || !this.#stillAllowed(ws, place, now)) continue;
			if (ws.bufferedAmount > most) {
				this.#move(ws, place, number);
				void this.#feed(ws, place);
			} else for (const frame of frames) this.#send(ws, frame);
		}
	}

	/** A change of the run's state. The last one is for each viewer when it has all of the log. */
	status(frame: Uint8Array): void {
		const now = Date.now();
		const last = this.#last();
		for (const [ws, place] of this.#places) {
			if (!this.#stillAllowed(ws, place, now)) continue;
			if (!last) this.#send(ws, frame);
			else if (place.next === null) this.#end(ws, last);
		}
	}

	async #start(ws: WebSocket, place: Place) {
		if (place.from > 0) {
			const next = await this.#reader.frameAt(place.from);
			this.#move(ws, place, next);
		}
		await this.#feed(ws, place);
	}

	/** Sends from storage until there is no more, then goes live. */
	async #feed(ws: WebSocket, place: Place) {
		try {
			while (place.next !== null && this.#places.has(ws)) {
				for await (const { before, frames } of this.#reader.stretches(place.next)) {
					if (!(await this.#room(ws)) || !this.#stillAllowed(ws, place, Date.now())) return;
					for (const frame of frames) this.#sendFrom(ws, place, frame);
					this.#move(ws, place, before.frames + frames.length);
				}
				if (place.next < this.#log.end.frames) continue;
				this.#move(ws, place, null);
				const last = this.#last();
				if (last) this.#end(ws, last);
			}
		} catch (error) {
			console.error('a viewer could not be fed from storage:', error);
			this.#close(ws, Close.fault, 'the log could not be read');
		}
	}

	#sendFrom(ws: WebSocket, place: Place, frame: Frame) {
		const bytes = cutFrame(frame, place.from);
		if (bytes) this.#send(ws, bytes);
	}

	#move(ws: WebSocket, place: Place, next: number | null) {
		place.next = next;
		ws.serializeAttachment(place);
	}

	/** Waits until the viewer has read enough; false when it is gone, or stuck and let go. */
	async #room(ws: WebSocket): Promise<boolean> {
		let unread = ws.bufferedAmount;
		for (let since = Date.now(); ws.bufferedAmount > this.#unreadMax;) {
			await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
			if (!this.#places.has(ws)) return false;
			if (ws.bufferedAmount < unread) since = Date.now();
			unread = ws.bufferedAmount;
			if (Date.now() - since > STUCK_MS) {
				this.#close(ws, Close.tooFast, 'too far behind: resume from your offset');
				return false;
			}
		}
		return this.#places.has(ws);
	}

	#stillAllowed(ws: WebSocket, place: Place, now: number): boolean {
		if (now < place.expires_at) return true;
		this.#close(ws, Close.notSignedIn, 'the session has ended');
		return false;
	}

	#end(ws: WebSocket, last: Uint8Array) {
		this.#send(ws, last);
		this.#close(ws, Close.done, 'the run is over');
	}

	#send(ws: WebSocket, bytes: Uint8Array) {
		try {
			ws.send(bytes);
		} catch {
			// Closed meanwhile: its close event is on the way.
			this.#places.delete(ws);
		}
	}

	#close(ws: WebSocket, code: number, reason: string) {
		this.#places.delete(ws);
		try {
			ws.close(code, reason);
		} catch {
			// Already closed.
		}
	}
}
