// Stands between an agent and its hub, so that a test can see every message, act at the very moment one passes, hold it
// back, and cut the connection.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import WebSocket, { WebSocketServer } from 'ws';

export type Direction = 'to_hub' | 'to_agent';
/** A text message parsed, or `{type: 'chunk'}`; answer `drop` to hold it back. */
export type Watcher = (direction: Direction, message: { type: string }) => 'pass' | 'drop';

export class CutProxy {
	private readonly server: http.Server;
	private readonly sockets = new Set<WebSocket>();
	private target: string;
	private down = false;
	watch: Watcher = () => 'pass';

	private constructor(target: string) {
		this.target = target;
		this.server = http.createServer((request, response) => {
			this.forward(request, response);
		});
		const upgrades = new WebSocketServer({ noServer: true });
		this.server.on('upgrade', (request, socket, head) => {
			if (this.down) socket.destroy();
			else
				upgrades.handleUpgrade(request, socket, head, (agent) => {
					this.join(agent, request);
				});
		});
	}

	static async start(target: string): Promise<CutProxy> {
		const proxy = new CutProxy(target);
		proxy.server.listen(0, '127.0.0.1');
		await once(proxy.server, 'listening');
		return proxy;
	}

	get url(): string {
		return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
	}

	/** Drops every connection and takes no new one, until `heal`. */
	cut(): void {
		this.down = true;
		for (const socket of this.sockets) socket.terminate();
	}

	heal(): void {
		this.down = false;
	}

	async close(): Promise<void> {
		this.cut();
		this.server.closeAllConnections();
		this.server.close();
		await once(this.server, 'close');
	}

	private forward(request: http.IncomingMessage, response: http.ServerResponse) {
		if (this.down) {
			request.socket.destroy();
			return;
		}
		const out = http.request(
			this.target + (request.url ?? '/'),
			{ method: request.method, headers: request.headers },
			(answer) => {
				response.writeHead(answer.statusCode ?? 502, answer.headers);
				answer.pipe(response);
			},
		);
		out.on('error', () => request.socket.destroy());
		request.pipe(out);
	}

	private join(agent: WebSocket, request: http.IncomingMessage) {
		const hub = new WebSocket(this.target.replace('http', 'ws') + (request.url ?? '/'), {
			headers: { host: request.headers.host },
			perMessageDeflate: false,
		});
		const early: [WebSocket.RawData, boolean][] = [];
		const relay = (direction: Direction, to: WebSocket, data: WebSocket.RawData, binary: boolean) => {
			const message = binary ? { type: 'chunk' } : (JSON.parse(data.toString()) as { type: string });
			if (this.watch(direction, message) === 'pass' && to.readyState === WebSocket.OPEN) to.send(data, { binary });
		};
		agent.on('message', (data, binary) => {
			if (hub.readyState === WebSocket.CONNECTING) early.push([data, binary]);
			else relay('to_hub', hub, data, binary);
		});
		hub.on('open', () => {
			for (const [data, binary] of early) relay('to_hub', hub, data, binary);
		});
		hub.on('message', (data, binary) => {
			relay('to_agent', agent, data, binary);
		});
		for (const [one, other] of [
			[agent, hub],
			[hub, agent],
		] as const) {
			this.sockets.add(one);
			one.on('error', () => one.terminate());
			one.on('close', (code, reason) => {
				this.sockets.delete(one);
				if (other.readyState === WebSocket.OPEN && code >= 4000) other.close(code, reason);
				else other.terminate();
			});
		}
	}
}
