import type { Connection, Stage } from './core/transport/connection.ts';

/** An agent's WebSocket, which may sleep for longer than the object's memory lives. */
export class AgentSocket implements Connection {
	readonly #ws: WebSocket;

	constructor(ws: WebSocket) {
		this.#ws = ws;
	}

	get stage(): Stage | null {
		return this.#ws.deserializeAttachment() as Stage | null;
	}

	set stage(stage: Stage | null) {
		this.#ws.serializeAttachment(stage);
	}

	get open(): boolean {
		return this.#ws.readyState === WebSocket.OPEN;
	}

	send(frame: string | Uint8Array): void {
		if (this.open) this.#ws.send(frame);
	}

	close(code: number, reason: string): void {
		if (this.open) this.#ws.close(code, reason);
	}
}

/** The link's sockets, each as the one connection it is. */
export class AgentSockets {
	readonly #ctx: DurableObjectState;
	readonly #known = new WeakMap<WebSocket, AgentSocket>();

	constructor(ctx: DurableObjectState) {
		this.#ctx = ctx;
	}

	get all(): AgentSocket[] {
		return this.#ctx.getWebSockets().map((ws) => this.of(ws));
	}

	of(ws: WebSocket): AgentSocket {
		const known = this.#known.get(ws) ?? new AgentSocket(ws);
		this.#known.set(ws, known);
		return known;
	}

	accept(ws: WebSocket): AgentSocket {
		this.#ctx.acceptWebSocket(ws);
		return this.of(ws);
	}
}
