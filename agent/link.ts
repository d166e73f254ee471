import WebSocket from 'ws';
import { z } from 'zod';
import { authMessage, type FromAgent, ToAgent } from '#protocol/agent.ts';
import { Close, FRAME_MAX } from '#protocol/close-codes.ts';
import { AGENT_PROTOCOL } from '#protocol/version.ts';
import { backoff } from './backoff.ts';
import { parseJson } from './config.ts';
import { codeOf, messageOf } from './failure.ts';
import type { Key } from './key.ts';
import type { Log } from './log.ts';

const HANDSHAKE_MS = 10_000;
/** A socket on which nothing came for this long is dead, whatever the system says of it. */
const SILENCE_MS = 9000;
const PING_MS = 3000;

type Hello = Extract<FromAgent, { type: 'hello' }>;

export interface LinkOptions {
	hub: URL;
	agent_id: number;
	boot_id: string;
	key: Key;
	log: Log;
	/** What a hello says besides who this is. */
	hello: () => Pick<Hello, 'version' | 'labels' | 'capacity' | 'abilities' | 'runs'>;
	onMessage: (message: ToAgent) => void;
	onBinary: (bytes: Uint8Array) => void;
	onDown: () => void;
}

/** The one connection to the hub: dialled from here, proved with the key at each start, and made again for ever. */
export class Link {
	readonly #o: LinkOptions;
	#ws: WebSocket | null = null;
	#welcomed = false;
	#attempt = 0;
	#closed = false;
	#retry: NodeJS.Timeout | null = null;
	/** The last thing said about the connection, so that an unreachable hub fills no log. */
	#said = '';

	constructor(options: LinkOptions) {
		this.#o = options;
	}

	get connected(): boolean {
		return this.#welcomed;
	}

	open(): void {
		const { hub, agent_id } = this.#o;
		const address = new URL(`/live/agent?agent=${String(agent_id)}`, hub);
		address.protocol = hub.protocol === 'https:' ? 'wss:' : 'ws:';
		const ws = new WebSocket(address, {
			handshakeTimeout: HANDSHAKE_MS,
			maxPayload: FRAME_MAX,
			perMessageDeflate: false,
			followRedirects: false,
		});
		this.#ws = ws;
		let problem = '';
		let heard = performance.now();
		const hear = () => (heard = performance.now());
		const watch = setInterval(() => {
			if (performance.now() - heard > SILENCE_MS) {
				problem = `nothing was heard for ${String(SILENCE_MS / 1000)} s`;
				ws.terminate();
			} else if (ws.readyState === WebSocket.OPEN) ws.ping();
		}, PING_MS);
		ws.on('pong', hear);
		ws.on('ping', hear);
		ws.on('unexpected-response', (request, response) => {
			problem = `it answered ${String(response.statusCode)} instead of opening a WebSocket`;
			request.destroy();
		});
		ws.on('error', (error) => {
			problem ||= codeOf(error) || messageOf(error);
		});
		ws.on('message', (data, binary) => {
			hear();
			if (!Buffer.isBuffer(data)) return;
			const fault = binary ? this.#binary(data) : this.#text(ws, data.toString());
			if (fault === null) return;
			problem = fault;
			ws.close(Close.badFrame, fault.slice(0, 100));
		});
		ws.on('close', (code, reason) => {
			clearInterval(watch);
			this.#down(problem || sayClose(code, reason.toString()));
		});
	}

	/** Drops what cannot be sent. */
	send(frame: FromAgent): void {
		if (this.#welcomed) this.#ws?.send(JSON.stringify(frame));
	}

	sendBinary(bytes: Uint8Array): void {
		if (this.#welcomed) this.#ws?.send(bytes);
	}

	/** For good. */
	close(): void {
		this.#closed = true;
		if (this.#retry) clearTimeout(this.#retry);
		this.#ws?.close(Close.done);
	}

	/** Null when all is well, else what is wrong with it. */
	#binary(data: Buffer): string | null {
		if (!this.#welcomed) return 'it sent a binary frame before its welcome';
		this.#o.onBinary(data);
		return null;
	}

	#text(ws: WebSocket, text: string): string | null {
		const parsed = ToAgent.safeParse(parseJson(text));
		if (!parsed.success) return `it sent what is no message: ${z.prettifyError(parsed.error)}`;
		const message = parsed.data;
		if (message.type === 'challenge') return this.#answer(ws, message);
		if (message.type === 'welcome' && !this.#welcomed) {
			this.#welcomed = true;
			this.#attempt = 0;
			this.#say(`connected to ${this.#o.hub.origin} as agent ${String(this.#o.agent_id)}`);
		}
		if (!this.#welcomed) return `it sent ${message.type} before its welcome`;
		this.#o.onMessage(message);
		return null;
	}

	/** Signs only for the hub this agent dialled: else one hub could pass another's challenge on and pose as the agent there. */
	#answer(ws: WebSocket, { v, v_min, challenge, host }: Extract<ToAgent, { type: 'challenge' }>): string | null {
		const { hub, agent_id, boot_id, key, hello } = this.#o;
		if (this.#welcomed) return 'it sent a second challenge';
		if (host !== hub.host) return `its challenge is for the host ${JSON.stringify(host)}, not for ${hub.host}`;
		if (AGENT_PROTOCOL < v_min)
			return `it speaks protocol ${String(v_min)} and newer; this agent speaks ${String(AGENT_PROTOCOL)}: update the agent`;
		const signature = key.sign(authMessage({ host, agent_id, challenge, boot_id }));
		const frame: Hello = {
			type: 'hello',
			v: Math.min(v, AGENT_PROTOCOL),
			agent_id,
			boot_id,
			signature,
			...hello(),
		};
		ws.send(JSON.stringify(frame));
		return null;
	}

	#down(why: string): void {
		this.#ws = null;
		const was = this.#welcomed;
		this.#welcomed = false;
		if (was) this.#o.onDown();
		if (this.#closed) return;
		const wait = backoff(this.#attempt++, Math.random());
		this.#say(`not connected to ${this.#o.hub.origin}: ${why}; trying again`);
		this.#retry = setTimeout(() => {
			this.open();
		}, wait);
	}

	#say(what: string): void {
		if (what !== this.#said) this.#o.log(what);
		this.#said = what;
	}
}

function sayClose(code: number, reason: string): string {
	const words: Record<number, string> = {
		[Close.notSignedIn]: 'the hub does not know this key',
		[Close.notAllowed]: 'the hub does not let this agent in',
		[Close.takenOver]: 'another connection of this agent took its place',
		[Close.tooFast]: 'the hub said it was too fast',
	};
	const said = words[code] ?? `it was closed (${String(code)})`;
	return reason === '' ? said : `${said}: ${reason}`;
}
