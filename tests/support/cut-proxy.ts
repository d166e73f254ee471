// Stands between an agent, or whoever follows a run, and the hub, so that a test can see every message, act at the very moment one passes, hold it
// back, and cut the connection.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import WebSocket, { WebSocketServer } from 'ws';
import { PING, PONG } from '#protocol/browser.ts';

export type Direction = 'to_hub' | 'to_agent';
/** `drop` holds a message back, `last` lets it through; both hold back all that follows: a connection that loses a message does not deliver the next. */
export type Passage = 'pass' | 'last' | 'drop';
/** A text message parsed, or `chunk` to the hub, `blob` from it, `ping` from both of its sides; and what it is on the wire. */
export type Watcher = (direction: Direction, message: { type: string }, bytes: Buffer) => Passage;

/** What becomes of WebSockets: some proxies refuse them, some take no notice of the upgrade, some open them and cut, some never answer. */
export type Eats = 'nothing' | 'refuses' | 'strips' | 'drops' | 'keeps_silent';
/** What becomes of a plain request: it may arrive and its answer not, or arrive twice. */
export type Fate = 'pass' | 'lose_answer' | 'twice';

export class CutProxy {
	private readonly server: http.Server;
	private readonly sockets = new Set<WebSocket>();
	/** Upgrades that were not carried out: the server forgets them, and would wait for their end. */
	private readonly eaten = new Set<Duplex>();
	private target: string;
	private down = false;
	watch: Watcher = () => 'pass';
	eats: Eats = 'nothing';
	fate: (path: string) => Fate = () => 'pass';

	private constructor(target: string) {
		this.target = target;
		this.server = http.createServer((request, response) => {
			this.forward(request, response);
		});
		const upgrades = new WebSocketServer({ noServer: true });
		this.server.on('upgrade', (request, socket, head) => {
			socket.on('error', () => socket.destroy());
			this.eaten.add(socket);
			socket.on('close', () => this.eaten.delete(socket));
			if (this.down) socket.destroy();
			else if (this.eats === 'refuses')
				socket.end('HTTP/1.1 426 Upgrade Required\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
			else if (this.eats === 'strips') this.strip(request, socket);
			else if (this.eats === 'drops') upgrades.handleUpgrade(request, socket, head, (agent) => agent.close(1001));
			else if (this.eats === 'nothing')
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
		for (const socket of this.eaten) socket.destroy();
		this.server.closeAllConnections();
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
		const parts: Buffer[] = [];
		request.on('data', (part: Buffer) => parts.push(part));
		request.on('end', () => {
			const body = Buffer.concat(parts);
			const fate = this.fate(request.url ?? '/');
			const send = (take: (answer: http.IncomingMessage) => void) => {
				const out = http.request(
					this.target + (request.url ?? '/'),
					{ method: request.method, headers: request.headers },
					take,
				);
				out.on('error', () => request.socket.destroy());
				out.end(body);
			};
			const pass = () =>
				send((answer) => {
					response.writeHead(answer.statusCode ?? 502, answer.headers);
					answer.pipe(response);
				});
			const lose = (then: () => void) =>
				send((answer) => {
					answer.resume();
					answer.on('end', then);
				});
			if (fate === 'pass') pass();
			else lose(() => (fate === 'twice' ? pass() : request.socket.destroy()));
		});
	}

	/** Passes the request for a WebSocket on as one for a page. */
	private strip(request: http.IncomingMessage, socket: Duplex) {
		const headers = { ...request.headers };
		delete headers.connection;
		delete headers.upgrade;
		http
			.get(this.target + (request.url ?? '/'), { headers }, (answer) => {
				const type = answer.headers['content-type'] ?? '';
				socket.write(`HTTP/1.1 ${String(answer.statusCode)} x\r\nconnection: close\r\ncontent-type: ${type}\r\n\r\n`);
				answer.pipe(socket);
			})
			.on('error', () => socket.destroy());
	}

	private join(agent: WebSocket, request: http.IncomingMessage) {
		const hub = new WebSocket(this.target.replace('http', 'ws') + (request.url ?? '/'), {
			headers: {
				host: request.headers.host,
				...(request.headers.authorization && { authorization: request.headers.authorization }),
			},
			perMessageDeflate: false,
		});
		const early: [Buffer, boolean][] = [];
		const lost = new Set<Direction>();
		const relay = (direction: Direction, to: WebSocket, data: Buffer, binary: boolean) => {
			const text = data.toString();
			const message = binary
				? { type: direction === 'to_hub' ? 'chunk' : 'blob' }
				: text === PING || text === PONG
					? { type: 'ping' }
					: (JSON.parse(text) as { type: string });
			if (lost.has(direction)) return;
			const passage = this.watch(direction, message, data);
			if (passage !== 'pass') lost.add(direction);
			if (passage !== 'drop' && to.readyState === WebSocket.OPEN) to.send(data, { binary });
		};
		agent.on('message', (data: Buffer, binary) => {
			if (hub.readyState === WebSocket.CONNECTING) early.push([data, binary]);
			else relay('to_hub', hub, data, binary);
		});
		hub.on('open', () => {
			for (const [data, binary] of early) relay('to_hub', hub, data, binary);
		});
		hub.on('message', (data: Buffer, binary) => {
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
				if (other.readyState === WebSocket.OPEN && (code === 1000 || code >= 4000)) other.close(code, reason);
				else other.terminate();
			});
		}
	}
}
