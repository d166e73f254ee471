import { type Frame, PAYLOAD_MAX } from '#protocol/run-frames.ts';
import { PING, PONG } from '#protocol/browser.ts';
import { Close } from '#protocol/close-codes.ts';
import { cutFrame, type LogReader } from './core/log-reader.ts';
import type { LogStore } from './core/log-store.ts';
import { mergeFrames } from './core/merge-frames.ts';
import { TokenBucket } from './core/token-bucket.ts';
import { type Ask, Rights } from './rights.ts';
import type { Watcher } from './watcher.ts';

interface Viewer extends Watcher {
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
/** After frames went out, the next gather for so long per viewer, or until they fill one: a message costs the same, however short. */
const GATHER_MS_EACH = 0.05;
/** The pings of one viewer: an app sends one in half a minute. */
const PINGS_BURST = 20;
const PINGS_PER_S = 5;
/** The longest a timer takes, in milliseconds. */
const TIMER_MAX = 2_147_483_647;
export const VIEWERS_MAX = 10_000;

/**
 * The sockets of a run's viewers. A viewer reads from storage until it has all, and in that very turn goes over to what comes
 * live: nothing is missed or told twice. What is sent was stored before, in the same turn or earlier, and workerd holds every
 * outgoing message until the writes before it are durable; so what a viewer has seen is never lost.
 *
 * These sockets do not hibernate: when workerd closes a hibernating one whose other end never sent a message, as a viewer has no
 * reason to, the connection stays open after the close frames (docs/adr/0004-log-storage.md).
 */
export class Viewers {
	readonly #log: LogStore;
	readonly #reader: LogReader;
	/** The frame that ends it all, once the run is over. */
	readonly #last: () => Uint8Array | null;
	/** Somebody watches, or nobody does any more. */
	readonly #onpresence: () => void;
	readonly #viewers = new Map<WebSocket, Viewer>();
	readonly #rights: Rights;
	#endTimer: ReturnType<typeof setTimeout> | null = null;
	/** Frames for the viewers who have all that came before them. */
	#gathered: { frames: Uint8Array[]; number: number; size: number } | null = null;
	#gatherTimer: ReturnType<typeof setTimeout> | null = null;
	#sentAt = -Infinity;

	constructor(log: LogStore, reader: LogReader, last: () => Uint8Array | null, ask: Ask, onpresence: () => void) {
		this.#log = log;
		this.#reader = reader;
		this.#last = last;
		this.#onpresence = onpresence;
		this.#rights = new Rights(
			ask,
			() => this.#viewers,
			(ws) => {
				this.#remove(ws);
			},
		);
	}

	/** Whether anybody watches. */
	get some(): boolean {
		return this.#viewers.size > 0;
	}

	/** `first` is the status frame every viewer starts with; `from` the offset it asks for. */
	add(ws: WebSocket, watcher: Watcher, from: number, first: Uint8Array): void {
		ws.accept();
		if (this.#viewers.size >= VIEWERS_MAX) return ws.close(Close.tooFast, 'too many viewers');
		const viewer: Viewer = { ...watcher, from: Math.min(from, this.#log.end.offset), next: 0 };
		this.#viewers.set(ws, viewer);
		if (this.#viewers.size === 1) this.#onpresence();
		this.#watchEnds();
		this.#rights.arrived(watcher, Date.now()).catch((error: unknown) => {
			console.error('the rights of a viewer could not be looked at:', error);
		});
		const pings = new TokenBucket(PINGS_BURST, PINGS_PER_S, Date.now());
		ws.addEventListener('message', ({ data }) => {
			if (!this.#viewers.has(ws)) return;
			if (!pings.take(Date.now())) this.#close(ws, Close.tooFast, 'too many frames');
			else if (data === PING) this.#send(ws, PONG);
			else this.#close(ws, Close.badFrame, 'viewers only read');
		});
		for (const over of ['close', 'error'] as const)
			ws.addEventListener(over, () => {
				this.#remove(ws);
			});
		ws.send(first);
		void this.#feed(ws, viewer);
	}

	/** Frames that were stored in this turn, the first of them number `number`. The first of a burst leave at once. */
	publish(frames: readonly Uint8Array[], number: number): void {
		if (frames.length === 0 || this.#viewers.size === 0) return;
		this.#gathered ??= { frames: [], number, size: 0 };
		this.#gathered.frames.push(...frames);
		for (const { length } of frames) this.#gathered.size += length;
		const wait = this.#sentAt + this.#viewers.size * GATHER_MS_EACH - Date.now();
		if (wait <= 0 || this.#gathered.size >= PAYLOAD_MAX) this.#sendGathered();
		else
			this.#gatherTimer ??= setTimeout(() => {
				this.#sendGathered();
			}, wait);
	}

	/** A change of the run's state. The last one is for each viewer when it has all of the log. */
	status(frame: Uint8Array): void {
		this.#sendGathered();
		this.#rights.look(Date.now());
		const last = this.#last();
		for (const [ws, viewer] of this.#viewers) {
			if (!last) this.#send(ws, frame);
			else if (viewer.next === null) this.#end(ws, last);
		}
	}

	#sendGathered() {
		if (this.#gatherTimer !== null) clearTimeout(this.#gatherTimer);
		this.#gatherTimer = null;
		if (!this.#gathered) return;
		const { frames, number } = this.#gathered;
		this.#gathered = null;
		this.#sentAt = Date.now();
		this.#rights.look(this.#sentAt);
		const most = this.#unreadMax;
		const merged = mergeFrames(frames);
		for (const [ws, viewer] of this.#viewers) {
			if (viewer.next !== null) continue;
			if (ws.bufferedAmount > most) {
				viewer.next = number;
				void this.#feed(ws, viewer);
			} else for (const frame of merged) this.#send(ws, frame);
		}
	}

	get #unreadMax(): number {
		return Math.max(UNREAD_LEAST, Math.min(UNREAD_MOST, UNREAD_ALL / Math.max(1, this.#viewers.size)));
	}

	/** Sends from storage until there is no more, then goes live. */
	async #feed(ws: WebSocket, viewer: Viewer) {
		try {
			if (viewer.from > 0 && viewer.next === 0) viewer.next = await this.#reader.frameAt(viewer.from);
			while (viewer.next !== null && this.#viewers.has(ws)) {
				for await (const { before, frames } of this.#reader.stretches(viewer.next)) {
					if (!(await this.#room(ws))) return;
					for (const frame of frames) this.#sendFrom(ws, viewer, frame);
					viewer.next = before.frames + frames.length;
				}
				if (viewer.next < this.#log.end.frames) continue;
				// What has gathered for the others is part of what this one has read.
				this.#sendGathered();
				viewer.next = null;
				const last = this.#last();
				if (last) this.#end(ws, last);
			}
		} catch (error) {
			console.error('a viewer could not be fed from storage:', error);
			this.#close(ws, Close.fault, 'the log could not be read');
		}
	}

	#sendFrom(ws: WebSocket, viewer: Viewer, frame: Frame) {
		const bytes = cutFrame(frame, viewer.from);
		if (bytes) this.#send(ws, bytes);
	}

	/** Waits until the viewer has read enough; false when it is gone, or stuck and let go. */
	async #room(ws: WebSocket): Promise<boolean> {
		let unread = ws.bufferedAmount;
		for (let since = Date.now(); ws.bufferedAmount > this.#unreadMax;) {
			await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
			if (!this.#viewers.has(ws)) return false;
			if (ws.bufferedAmount < unread) since = Date.now();
			unread = ws.bufferedAmount;
			if (Date.now() - since > STUCK_MS) {
				this.#close(ws, Close.tooFast, 'too far behind: resume from your offset');
				return false;
			}
		}
		return this.#viewers.has(ws);
	}

	#end(ws: WebSocket, last: Uint8Array) {
		this.#send(ws, last);
		this.#close(ws, Close.done, 'the run is over');
	}

	#send(ws: WebSocket, frame: Uint8Array | string) {
		try {
			ws.send(frame);
		} catch {
			// Closed meanwhile: its close event is on the way.
			this.#remove(ws);
		}
	}

	/** The rights of this person, or of anybody, have changed. False when nobody watches. */
	async rightsChanged(user_id: number | null): Promise<boolean> {
		await this.#rights.changed(user_id, Date.now());
		return this.#viewers.size > 0;
	}

	/** Sessions end by themselves, also where nothing is told. */
	#watchEnds() {
		if (this.#endTimer !== null) clearTimeout(this.#endTimer);
		const next = this.#rights.nextEnd;
		if (next === null) return;
		this.#endTimer = setTimeout(
			() => {
				this.#rights.look(Date.now());
				this.#watchEnds();
			},
			Math.min(next - Date.now(), TIMER_MAX),
		);
	}

	#remove(ws: WebSocket) {
		if (!this.#viewers.delete(ws) || this.#viewers.size > 0) return;
		if (this.#endTimer !== null) clearTimeout(this.#endTimer);
		this.#onpresence();
	}

	#close(ws: WebSocket, code: number, reason: string) {
		this.#remove(ws);
		try {
			ws.close(code, reason);
		} catch {
			// Already closed.
		}
	}
}
