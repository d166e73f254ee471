import type { Close } from '#protocol/close-codes.ts';

export type Kind = 'websocket' | 'long-poll';
export const kindName: Record<Kind, string> = { websocket: 'WebSocket', 'long-poll': 'long-polling' };

/** How a connection ended, or why there was none. */
export interface Ended {
	why: string;
	/**
	 * `kept_out`: something between here and the hub may well keep this kind of connection out · `unknown_here`: the hub has no such address ·
	 * `other`: the hub closed it, or is not there
	 */
	how: 'kept_out' | 'unknown_here' | 'other';
}

export interface Listener {
	text: (text: string) => void;
	binary: (bytes: Buffer) => void;
	/** Told once, and the last of all. */
	ended: (ended: Ended) => void;
}

/** One connection to the hub, whatever carries it. */
export interface Transport {
	readonly kind: Kind;
	send(frame: string | Uint8Array): void;
	/** Resolves when the hub knows, or could have known. `ended` follows. */
	close(code: (typeof Close)[keyof typeof Close], reason: string): Promise<void>;
}

export type Dial = (at: { hub: URL; agent_id: number }, listener: Listener) => Transport;
