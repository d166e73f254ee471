// An engine as Podman is at times: where it is asked to follow a container's log, it ends its answer early, as if that were all.
import { createServer, request, type Server } from 'node:http';
import path from 'node:path';
import type { Dockerd } from './dockerd.ts';

const SO_FAR = 100;

export class EarlyLog {
	readonly socket: string;
	/** How often it was asked to follow one, and how many wait for the end of a container. */
	followed = 0;
	waiting = 0;
	readonly #server: Server;

	private constructor(socket: string, engine: Dockerd) {
		this.socket = socket;
		this.#server = createServer((asked, answer) => {
			const { method, url = '', headers } = asked;
			const follows = url.includes('/logs?') && url.includes('follow=true');
			if (follows) this.followed++;
			const waits = url.includes('/wait?') || url.endsWith('/wait');
			if (waits) this.waiting++;
			const passedOn = request({ socketPath: engine.socket, method, path: url, headers }, (response) => {
				answer.writeHead(response.statusCode ?? 502, response.headers);
				answer.flushHeaders();
				if (!follows) return void response.pipe(answer);
				let left = SO_FAR;
				response.on('data', (part: Buffer) => {
					if (left > 0) answer.write(part.subarray(0, left));
					left -= part.length;
					if (left <= 0) response.destroy();
				});
				response.on('close', () => answer.end());
			});
			passedOn.on('error', () => answer.destroy());
			answer.on('close', () => {
				if (waits) this.waiting--;
				passedOn.destroy();
			});
			asked.pipe(passedOn);
		});
	}

	static async before(engine: Dockerd): Promise<EarlyLog> {
		const early = new EarlyLog(path.join(engine.dir, 'early.sock'), engine);
		await new Promise<void>((done) => early.#server.listen(early.socket, done));
		return early;
	}

	close(): void {
		this.#server.closeAllConnections();
		this.#server.close();
	}
}
