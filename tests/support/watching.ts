import { once } from 'node:events';
import WebSocket from 'ws';
import { decodeFrame, Kind } from '#protocol/run-frames.ts';
import type { Api } from './api.ts';

/** Somebody who follows a run by its socket, with all that came. */
export class Watching {
	readonly ws: WebSocket;
	readonly messages: Buffer[] = [];
	closed: number | null = null;
	/** The first byte that was asked for. */
	readonly #from: number;

	private constructor(ws: WebSocket, from: number) {
		this.ws = ws;
		this.#from = from;
		ws.on('message', (data: Buffer) => this.messages.push(data));
		ws.on('close', (code) => (this.closed = code));
	}

	static async of(who: Api, run_id: number, from = 0): Promise<Watching> {
		const ws = new WebSocket(`${who.url.replace('http', 'ws')}/live/runs/${String(run_id)}?from=${String(from)}`, {
			headers: { cookie: who.cookie, origin: who.url },
		});
		const watching = new Watching(ws, from);
		await once(ws, 'open');
		return watching;
	}

	/** The log so far, from there on; each frame must go on where the one before it ended. */
	get log(): Buffer {
		let end = this.#from;
		const parts = this.messages.map(decodeFrame).filter(({ kind }) => kind === Kind.log);
		for (const { offset, payload } of parts) {
			if (offset !== end) throw new Error(`a frame starts at ${String(offset)}, ${String(end)} was next`);
			end += payload.length;
		}
		return Buffer.concat(parts.map(({ payload }) => payload));
	}

	get last(): unknown {
		const status = this.messages.map(decodeFrame).findLast(({ kind }) => kind === Kind.status);
		return status && JSON.parse(Buffer.from(status.payload).toString());
	}
}
