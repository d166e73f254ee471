import type { z } from 'zod';
import { utf8Length } from '#domain/bytes.ts';
import { Close } from '#protocol/close-codes.ts';
import { TokenBucket } from './core/token-bucket.ts';

/** What may lie unread in a page's socket, in bytes: beyond it the page has to come back and resume. */
const UNREAD_MAX = 4_194_304;
/** The longest frame a page may send, in bytes. */
const FRAME_MAX = 4_096;

/** How frames go to pages and come from them: small, few, of the protocol, or the socket is closed. */
export class PageSockets<From, To> {
	readonly #schema: z.ZodType<From>;
	readonly #buckets = new WeakMap<WebSocket, TokenBucket>();

	constructor(schema: z.ZodType<From>) {
		this.#schema = schema;
	}

	/** The frame that was sent; null where there is nothing to answer. */
	read(ws: WebSocket, message: string | ArrayBuffer): From | null {
		if (ws.readyState !== WebSocket.OPEN) return null;
		const bucket = this.#buckets.get(ws) ?? new TokenBucket(60, 20, Date.now());
		this.#buckets.set(ws, bucket);
		if (!bucket.take(Date.now())) ws.close(Close.tooFast, 'too many frames');
		else if (typeof message !== 'string') ws.close(Close.badFrame, 'frames are text');
		else if (utf8Length(message) > FRAME_MAX) ws.close(Close.tooLarge, 'a frame is too large');
		else {
			const frame = this.#parse(message);
			if (frame !== null) return frame;
			ws.close(Close.badFrame, 'not a frame of this protocol');
		}
		return null;
	}

	tell(ws: WebSocket, frame: To): void {
		if (ws.readyState !== WebSocket.OPEN) return;
		if (ws.bufferedAmount > UNREAD_MAX) ws.close(Close.tooFast, 'too far behind: resume from your seq');
		else ws.send(JSON.stringify(frame));
	}

	#parse(message: string): From | null {
		try {
			return this.#schema.parse(JSON.parse(message));
		} catch {
			return null;
		}
	}
}
