// The foil for standing still: an object that hibernates, keeps nothing of a socket, and passes on what any of them says.
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';

export class LocalControl extends WorkerEntrypoint {
	fetch() {
		return new Response('ok');
	}
}

export class RawRoom extends DurableObject {
	fetch() {
		const { 0: client, 1: server } = new WebSocketPair();
		this.ctx.acceptWebSocket(server);
		return new Response(null, { status: 101, webSocket: client });
	}

	webSocketMessage(_ws, message) {
		for (const ws of this.ctx.getWebSockets()) ws.send(message);
	}
}

export default { fetch: (request, env) => env.RAW_ROOM.getByName('one').fetch(request) };
