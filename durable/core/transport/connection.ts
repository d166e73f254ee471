import type { ToAgent } from '#protocol/agent.ts';

/** What a connection of an agent has become. Kept with it, so that a socket's outlives the object's memory. */
export type Stage =
	/** `new` has not said hello; `proving` has, and is looked at, or was taken over from. */
	| { stage: 'new' | 'proving'; challenge: string; host: string; since: number }
	/** `heard_at`: when it was last heard, in milliseconds UTC, to within some seconds. */
	| { stage: 'in'; boot_id: string; capacity: number; heard_at: number };

/** One connection of an agent, whatever carries it: it takes frames, in their order, until one side closes it. */
export interface Connection {
	/** Null for one that is turned away. */
	stage: Stage | null;
	readonly open: boolean;
	/** Nothing is said to a connection that is closing. */
	send(frame: string | Uint8Array): void;
	/** The link hears of it as of any other end of a connection. */
	close(code: number, reason: string): void;
}

export const tell = (to: Connection, frame: ToAgent): void => {
	to.send(JSON.stringify(frame));
};
