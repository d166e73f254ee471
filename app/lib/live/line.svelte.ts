import { backoff, VIEWER_PATIENCE } from '#protocol/backoff.ts';
import { PING, PONG } from '#protocol/browser.ts';
import { Close } from '#protocol/close-codes.ts';

/** Silence after which the other side is asked whether it is there, and how long it has for its answer. */
const QUIET_MS = 6000;
const ANSWER_MS = 4000;

/** A connection that held for so long was a good one: the next attempt does not wait for those before it. */
const STEADY_MS = 10_000;

/** Codes after which trying again would only repeat the refusal. */
const final: number[] = [Close.done, Close.badFrame, Close.notSignedIn, Close.notAllowed, Close.notFound];

export interface LineHandlers {
	opened?: () => void;
	text?: (data: string) => void;
	bytes?: (data: Uint8Array) => void;
	/** It is over and will not be tried again. */
	over?: (code: number) => void;
}

/** A WebSocket that comes back: it notices a half-open connection within 10 s, and reconnects with jitter. */
export class Line {
	state = $state<'connecting' | 'open' | 'waiting' | 'over'>('connecting');
	#socket: WebSocket | null = null;
	#attempt = 0;
	#openedAt = Infinity;
	#timer: ReturnType<typeof setTimeout> | undefined;
	readonly #address: () => string;
	readonly #on: LineHandlers;
	readonly #wake = () => {
		if (this.state === 'waiting') this.#connect();
	};

	/** `address` is asked at every connection: it names where to go on from. A path with its query, as `/live/runs/1?from=0`. */
	constructor(address: () => string, on: LineHandlers) {
		this.#address = address;
		this.#on = on;
		addEventListener('online', this.#wake);
		document.addEventListener('visibilitychange', this.#wake);
		this.#connect();
	}

	/** Sends a message if the line is open; what must arrive is sent again by `opened`. */
	send(message: unknown): void {
		if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
	}

	/** What came is none of it: connects anew, later each time that this happens soon. */
	again(): void {
		const socket = this.#socket;
		if (!socket) return;
		socket.close();
		this.#lost(socket, 0);
	}

	close(): void {
		this.state = 'over';
		clearTimeout(this.#timer);
		removeEventListener('online', this.#wake);
		document.removeEventListener('visibilitychange', this.#wake);
		const socket = this.#socket;
		this.#socket = null;
		socket?.close();
	}

	#connect() {
		clearTimeout(this.#timer);
		this.state = 'connecting';
		const socket = new WebSocket(this.#address());
		socket.binaryType = 'arraybuffer';
		this.#socket = socket;
		// An opening handshake can hang too.
		this.#expect(socket, ANSWER_MS * 2);
		socket.onopen = () => {
			this.state = 'open';
			this.#openedAt = performance.now();
			this.#heard(socket);
			this.#on.opened?.();
		};
		socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
			if (socket !== this.#socket) return;
			this.#heard(socket);
			if (typeof data !== 'string') this.#on.bytes?.(new Uint8Array(data));
			else if (data !== PONG) this.#on.text?.(data);
		};
		socket.onclose = ({ code }) => {
			this.#lost(socket, code);
		};
	}

	/** After a while of silence a ping; without an answer to it the line is dead, whatever the browser thinks. */
	#heard(socket: WebSocket) {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => {
			socket.send(PING);
			this.#expect(socket, ANSWER_MS);
		}, QUIET_MS);
	}

	#expect(socket: WebSocket, within: number) {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => {
			socket.close();
			this.#lost(socket, 0);
		}, within);
	}

	#lost(socket: WebSocket, code: number) {
		if (socket !== this.#socket) return;
		this.#socket = null;
		clearTimeout(this.#timer);
		if (final.includes(code)) {
			this.close();
			this.#on.over?.(code);
			return;
		}
		this.state = 'waiting';
		if (performance.now() - this.#openedAt > STEADY_MS) this.#attempt = 0;
		this.#openedAt = Infinity;
		this.#timer = setTimeout(
			() => {
				this.#connect();
			},
			backoff(this.#attempt++, Math.random(), VIEWER_PATIENCE),
		);
	}
}
