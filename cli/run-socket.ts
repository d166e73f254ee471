import { setTimeout as pause } from 'node:timers/promises';
import WebSocket from 'ws';
import { ApiError } from '#client/api-error.ts';
import { backoff, VIEWER_PATIENCE } from '#protocol/backoff.ts';
import { PING } from '#protocol/browser.ts';
import { Close, FRAME_MAX } from '#protocol/close-codes.ts';
import { BadFrame, decodeFrame, type Frame, Kind } from '#protocol/run-frames.ts';
import { Failure } from './failure.ts';
import type { Hub } from './hub.ts';
import { isOver } from './outcome.ts';
import { Run } from './rows.ts';
import { VERSION } from './version.ts';

/** Silence after which the hub is asked whether it is there, and after which it is not. */
const QUIET_MS = 6000;
const DEAD_MS = 12_000;
const LOOK_MS = 2000;
/** How long somebody who waits is kept waiting for a hub that is away. */
export const GIVE_UP_MS = 15 * 60_000;

const refusals = new Map<number, string>([
	[Close.notSignedIn, 'The token is no longer good'],
	[Close.notAllowed, 'You may no longer see this run'],
	[Close.notFound, 'There is no such run'],
	[Close.badFrame, 'The hub did not understand this version of uhub'],
]);

export interface Listener {
	/** Bytes of the log, in order, each once. More come when it is done. */
	log(frame: Frame): Promise<void>;
	/** Bytes that its agent had to drop. */
	gap(frame: Frame): Promise<void>;
	run(run: Run): void;
	/** The connection was lost; it is tried again. */
	cut(why: string): void;
}

/**
 * Follows a run from a byte of its log to its end, through cuts: it goes on where it was. Answers the run as it ended.
 * Rejects when told to stop, when the hub refuses, and when it stays away.
 */
export async function followRun(hub: Hub, run_id: number, listener: Listener, stop: AbortSignal): Promise<Run> {
	const following = new Following(hub, run_id, listener, stop);
	let heard = performance.now();
	for (let attempt = 0; ; attempt++) {
		const { at } = following;
		const why = await following.connect();
		stop.throwIfAborted();
		if (following.run && isOver(following.run) && why === null) return following.run;
		if (following.spoke || following.at > at) {
			attempt = 0;
			heard = performance.now();
		}
		if (performance.now() - heard > GIVE_UP_MS)
			throw new Failure(`The hub is away (${why ?? 'it ended the connection'}); the run goes on.`);
		if (attempt === 0) listener.cut(why ?? 'the hub ended the connection');
		await pause(backoff(attempt, Math.random(), VIEWER_PATIENCE), undefined, { signal: stop }).catch(() => undefined);
		stop.throwIfAborted();
	}
}

class Following {
	/** How much of the log is known, in bytes. */
	at = 0;
	run: Run | null = null;
	/** Something came on the latest connection. */
	spoke = false;
	#gap = -1;
	readonly #hub: Hub;
	readonly #run_id: number;
	readonly #listener: Listener;
	readonly #stop: AbortSignal;

	constructor(hub: Hub, run_id: number, listener: Listener, stop: AbortSignal) {
		this.#hub = hub;
		this.#run_id = run_id;
		this.#listener = listener;
		this.#stop = stop;
	}

	/** One connection, to its end; answers why it ended, null for good. */
	connect(): Promise<string | null> {
		this.spoke = false;
		const address = new URL(`/live/runs/${String(this.#run_id)}?from=${String(this.at)}`, this.#hub.origin);
		address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
		const ws = new WebSocket(address, {
			headers: { authorization: `Bearer ${this.#hub.token}`, 'user-agent': `uhub/${VERSION}` },
			handshakeTimeout: DEAD_MS,
			maxPayload: FRAME_MAX,
			perMessageDeflate: false,
			followRedirects: false,
		});
		return new Promise((resolve, reject) => {
			let problem: string | null = null;
			let heard = performance.now();
			// One after the other, and the next is not read before this one is written.
			let work = Promise.resolve();
			const leave = () => {
				ws.terminate();
			};
			const watch = setInterval(() => {
				const silence = performance.now() - heard;
				if (ws.isPaused) heard = performance.now();
				else if (silence > DEAD_MS) {
					problem = `nothing came for ${String(Math.round(silence / 1000))} s`;
					leave();
				} else if (silence > QUIET_MS && ws.readyState === WebSocket.OPEN) ws.send(PING);
			}, LOOK_MS);
			this.#stop.addEventListener('abort', leave);
			ws.on('unexpected-response', (_request, response) => {
				const { statusCode = 0 } = response;
				// 4xx is the hub's word; behind a proxy a hub that is away is a 5xx.
				if (statusCode < 400 || statusCode >= 500 || statusCode === 429) {
					problem = `the hub answered ${String(statusCode)}`;
					leave();
					return;
				}
				const parts: Buffer[] = [];
				response.on('data', (part: Buffer) => parts.length < 64 && parts.push(part));
				response.on('end', () => {
					void ApiError.of(new Response(Buffer.concat(parts), { status: statusCode })).then((refused) => {
						reject(refused);
						leave();
					});
				});
			});
			ws.on('error', (error) => {
				problem ??= error.message;
			});
			ws.on('message', (data, binary) => {
				heard = performance.now();
				this.spoke = true;
				if (!binary || !Buffer.isBuffer(data)) return;
				ws.pause();
				work = work
					.then(() => this.#take(data))
					.then(
						() => {
							ws.resume();
						},
						(error: unknown) => {
							if (!(error instanceof BadFrame)) reject(error);
							problem = error instanceof BadFrame ? error.message : problem;
							leave();
						},
					);
			});
			ws.on('close', (code) => {
				clearInterval(watch);
				this.#stop.removeEventListener('abort', leave);
				const refused = refusals.get(code);
				void work.then(() => {
					if (refused !== undefined) reject(new Failure(`${refused}.`));
					else if (code === Close.done && problem === null) resolve(null);
					else resolve(problem ?? `closed with ${String(code)}`);
				});
			});
		});
	}

	async #take(data: Uint8Array): Promise<void> {
		const frame = decodeFrame(data);
		if (frame.kind === Kind.status) {
			this.run = Run.parse(JSON.parse(new TextDecoder().decode(frame.payload)));
			this.#listener.run(this.run);
		} else if (frame.kind === Kind.gap) {
			if (frame.offset > this.#gap) await this.#listener.gap(frame);
			this.#gap = Math.max(this.#gap, frame.offset);
		} else if (frame.kind === Kind.log) {
			// Missing bytes come again from where this left off.
			if (frame.offset > this.at) throw new BadFrame(`bytes ${String(this.at)} to ${String(frame.offset)} are missing`);
			const fresh = frame.payload.subarray(this.at - frame.offset);
			if (fresh.length === 0) return;
			const offset = this.at;
			this.at += fresh.length;
			await this.#listener.log({ ...frame, offset, payload: fresh });
		}
	}
}
