import { FromAgent, type ToAgent } from '#protocol/agent.ts';
import type { Told } from './run-stream.ts';

/** What a socket of an agent is, kept with it so that it outlives the object's memory. */
export type AgentSocket =
	/** `new` has not said hello; `proving` has, and is looked at, or was taken over from. */
	| { stage: 'new' | 'proving'; challenge: string; host: string; since: number }
	| { stage: 'in'; boot_id: string; capacity: number };

export const socketOf = (ws: WebSocket): AgentSocket | null => ws.deserializeAttachment() as AgentSocket | null;

export const setSocket = (ws: WebSocket, socket: AgentSocket): void => {
	ws.serializeAttachment(socket);
};

/** Nothing is said to a socket that is closing. */
export function tell(ws: WebSocket, frame: ToAgent): void {
	if (ws.readyState === WebSocket.OPEN) ws.send(JSON.stringify(frame));
}

/** Null where it is no frame of the protocol. */
export function parse(message: string): FromAgent | null {
	try {
		return FromAgent.parse(JSON.parse(message));
	} catch {
		return null;
	}
}

export type Verdict = Extract<ToAgent, { type: 'welcome' }>['runs'][number];

/** What a stream answers to what an agent knows, as the welcome tells it. */
export const actionOf = (answer: Told['answer']): Verdict['action'] =>
	answer === 'resume' || answer === 'grant' || answer === 'cancel' || answer === 'done' ? answer : 'drop';
