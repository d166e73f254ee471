import { z } from 'zod';
import { AGENT_PATIENCE, backoff } from '#protocol/backoff.ts';
import { authMessage, type FromAgent, ToAgent } from '#protocol/agent.ts';
import { Close } from '#protocol/close-codes.ts';
import { AGENT_PROTOCOL } from '#protocol/version.ts';
import { parseJson } from './config.ts';
import type { Key } from './key.ts';
import type { Log } from './log.ts';
import { Choice } from './transport/choice.ts';
import { type Dial, type Ended, type Kind, kindName, type Transport } from './transport/contract.ts';
import { dialLongPoll } from './transport/long-poll.ts';
import { dialWebSocket } from './transport/websocket.ts';

const HEALTH_MS = 5000;

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
	/** How long until a WebSocket is tried again, where there is a connection without one; default: a minute, later more. */
	againMs?: number;
}

const dials: Record<Kind, Dial> = { websocket: dialWebSocket, 'long-poll': dialLongPoll };

/** The one connection to the hub: dialled from here, proved with the key at each start, and made again for ever. */
export class Link {
	readonly #o: LinkOptions;
	readonly #choice = new Choice();
	#now: Transport | null = null;
	/** A WebSocket on trial, beside a connection that is none. */
	#probe: Transport | null = null;
	#probing: NodeJS.Timeout | null = null;
	#welcomed = false;
	#protocol: number | null = null;
	#attempt = 0;
	#closed = false;
	#retry: NodeJS.Timeout | null = null;
	/** The last thing said about the connection, so that an unreachable hub fills no log. */
	#said = '';

	constructor(options: LinkOptions) {
		this.#o = options;
	}

	/** By what the agent is connected; null while it is not. */
	get connected(): Kind | null {
		return this.#welcomed ? (this.#now?.kind ?? null) : null;
	}

	/** The one spoken with the hub, last or now; null before it was first reached. */
	get protocol(): number | null {
		return this.#protocol;
	}

	open(): void {
		this.#now = this.#dial(this.#choice.next);
	}

	/** Drops what cannot be sent. */
	send(frame: FromAgent): void {
		if (this.#welcomed) this.#now?.send(JSON.stringify(frame));
	}

	sendBinary(bytes: Uint8Array): void {
		if (this.#welcomed) this.#now?.send(bytes);
	}

	/** For good. */
	async close(): Promise<void> {
		this.#closed = true;
		for (const timer of [this.#retry, this.#probing]) if (timer) clearTimeout(timer);
		await Promise.all([this.#now?.close(Close.done, ''), this.#probe?.close(Close.done, '')]);
	}

	#dial(kind: Kind): Transport {
		const { hub, agent_id } = this.#o;
		const reject = (fault: string | null) => {
			if (fault !== null) void transport.close(Close.badFrame, (problem = fault).slice(0, 100));
		};
		let problem = '';
		const transport = dials[kind](
			{ hub, agent_id },
			{
				text: (text) => {
					// The hub's first word: WebSockets get through after all.
					if (transport === this.#probe) this.#change(transport);
					if (transport === this.#now) reject(this.#text(transport, text));
				},
				binary: (bytes) => {
					if (transport === this.#now) reject(this.#binary(bytes));
				},
				ended: ({ why, how }) => {
					if (transport === this.#now) void this.#down(kind, { why: problem || why, how });
					else if (transport === this.#probe) {
						this.#probe = null;
						this.#choice.probeFailed();
						this.#probeLater();
					}
				},
			},
		);
		return transport;
	}

	/** Null when all is well, else what is wrong with it. */
	#binary(data: Buffer): string | null {
		if (!this.#welcomed) return 'it sent a binary frame before its welcome';
		this.#o.onBinary(data);
		return null;
	}

	#text(from: Transport, text: string): string | null {
		const parsed = ToAgent.safeParse(parseJson(text));
		if (!parsed.success) return `it sent what is no message: ${z.prettifyError(parsed.error)}`;
		const message = parsed.data;
		if (message.type === 'challenge') return this.#answer(from, message);
		if (message.type === 'welcome' && !this.#welcomed) {
			this.#welcomed = true;
			this.#attempt = 0;
			this.#choice.welcomed(from.kind);
			this.#say(
				`connected to ${this.#o.hub.origin} as agent ${String(this.#o.agent_id)}${from.kind === 'websocket' ? '' : ` by ${kindName[from.kind]}: WebSockets do not get through`}`,
			);
			if (from.kind !== 'websocket') this.#probeLater();
		}
		if (!this.#welcomed) return `it sent ${message.type} before its welcome`;
		this.#o.onMessage(message);
		return null;
	}

	/** Signs only for the hub this agent dialled: else one hub could pass another's challenge on and pose as the agent there. */
	#answer(to: Transport, { v, v_min, challenge, host }: Extract<ToAgent, { type: 'challenge' }>): string | null {
		const { hub, agent_id, boot_id, key, hello } = this.#o;
		if (this.#welcomed) return 'it sent a second challenge';
		if (host !== hub.host) return `its challenge is for the host ${JSON.stringify(host)}, not for ${hub.host}`;
		if (AGENT_PROTOCOL < v_min)
			return `it speaks protocol ${String(v_min)} and newer; this agent speaks ${String(AGENT_PROTOCOL)}: update the agent`;
		const signature = key.sign(authMessage({ host, agent_id, challenge, boot_id }));
		this.#protocol = Math.min(v, AGENT_PROTOCOL);
		const frame: Hello = {
			type: 'hello',
			v: this.#protocol,
			agent_id,
			boot_id,
			signature,
			...hello(),
		};
		to.send(JSON.stringify(frame));
		return null;
	}

	async #down(kind: Kind, { why, how }: Ended): Promise<void> {
		this.#now = null;
		this.#stopProbing();
		const was = this.#leave();
		if (this.#closed) return;
		this.#say(`not connected to ${this.#o.hub.origin}: ${why}; trying again`);
		if (!was) this.#choice.failed(kind, how, how === 'kept_out' && (await answers(this.#o.hub)));
		if (this.#closed) return;
		this.#retry = setTimeout(
			() => {
				this.open();
			},
			backoff(this.#attempt++, Math.random(), AGENT_PATIENCE),
		);
	}

	/** True where the hub had let the agent in. */
	#leave(): boolean {
		const was = this.#welcomed;
		this.#welcomed = false;
		if (was) this.#o.onDown();
		return was;
	}

	/** Goes over to the WebSocket, as after any reconnection: the hub lets the same process in at once. */
	#change(to: Transport): void {
		const old = this.#now;
		this.#now = to;
		this.#probe = null;
		this.#leave();
		void old?.close(Close.done, 'going over to a WebSocket');
	}

	#probeLater(): void {
		this.#probing = setTimeout(() => {
			this.#probe = this.#dial('websocket');
		}, this.#o.againMs ?? this.#choice.againAfterMs);
	}

	#stopProbing(): void {
		if (this.#probing) clearTimeout(this.#probing);
		const probe = this.#probe;
		this.#probe = null;
		void probe?.close(Close.done, '');
	}

	#say(what: string): void {
		if (what !== this.#said) this.#o.log(what);
		this.#said = what;
	}
}

/** Whether plain requests reach the hub, so that a WebSocket that came to nothing was kept out by something in between. */
const answers = (hub: URL): Promise<boolean> =>
	fetch(new URL('/api/health', hub), { redirect: 'error', signal: AbortSignal.timeout(HEALTH_MS) }).then(
		async (response) => {
			await response.body?.cancel();
			return response.ok;
		},
		() => false,
	);
