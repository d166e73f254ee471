// A wire between an agent and the hub that may go dead without being cut: what is sent stays under way, in one direction or both, and
// neither side is told. As behind a firewall that forgot the connection.
import { once } from 'node:events';
import net from 'node:net';

export type Direction = 'to_hub' | 'to_agent';

export class FrozenLine {
	readonly #server: net.Server;
	readonly #wires = new Set<{ agent: net.Socket; hub: net.Socket }>();
	#frozen = new Set<Direction>();

	private constructor(hub: URL) {
		this.#server = net.createServer((agent) => {
			const wire = { agent, hub: net.connect(Number(hub.port), hub.hostname) };
			this.#wires.add(wire);
			this.#join('to_hub', wire.agent, wire.hub);
			this.#join('to_agent', wire.hub, wire.agent);
			this.#settle();
		});
	}

	static async start(hub: string): Promise<FrozenLine> {
		const line = new FrozenLine(new URL(hub));
		line.#server.listen(0, '127.0.0.1');
		await once(line.#server, 'listening');
		return line;
	}

	get url(): string {
		return `http://127.0.0.1:${String((this.#server.address() as net.AddressInfo).port)}`;
	}

	freeze(...directions: Direction[]): void {
		this.#frozen = new Set(directions);
		this.#settle();
	}

	/** What was under way arrives, where there is still somebody. A side that has left without the other's knowing stays so. */
	heal(): void {
		this.freeze();
	}

	async close(): Promise<void> {
		for (const { agent, hub } of this.#wires) for (const socket of [agent, hub]) socket.destroy();
		this.#server.close();
		await once(this.#server, 'close');
	}

	#join(direction: Direction, from: net.Socket, to: net.Socket) {
		from.on('data', (part) => to.write(part));
		from.on('error', () => from.destroy());
		from.on('close', () => {
			if (!this.#frozen.has(direction)) to.destroy();
		});
	}

	#settle() {
		for (const { agent, hub } of this.#wires)
			for (const [direction, from] of [
				['to_hub', agent],
				['to_agent', hub],
			] as const)
				if (this.#frozen.has(direction)) from.pause();
				else from.resume();
	}
}
