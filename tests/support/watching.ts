import { once } from 'node:events';
import WebSocket from 'ws';
import { decodeFrame, Kind } from '#protocol/run-frames.ts';
import type { Api } from './api.ts';

/** Somebody who follows a run by its socket, with all that came. */
export class Watching {
	readonly ws: WebSocket;
	readonly messages: Buffer[] = [];
	closed: number | null = null;

	private constructor(ws: WebSocket) {
		this.ws = ws;
		ws.on('message', (data: Buffer) => this.messages.push(data));
		ws.on('close', (code) => (this.closed = code));
	}

	static async of(who: Api, run_id: number): Promise<Watching> {
		const ws = new WebSocket(`${who.url.replace('http', 'ws')}/live/runs/${String(run_id)}?from=0`, {
			headers: { cookie: who.cookie, origin: who.url },
		});
		const watching = new Watching(ws);
		await once(ws, 'open');
		return watching;
	}

	/** The log so far; each frame must go on where the one before it ended. */
	get log(): Buffer {
		let end = 0;
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
