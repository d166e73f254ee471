// The foil for log streaming: what the `source` sends goes to every viewer, and nothing is kept, checked or acknowledged.
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
const viewers = new Set();
server.on('connection', (socket, request) => {
	if (request.url === '/source') {
		socket.on('message', (data, binary) => {
			for (const viewer of viewers) viewer.send(data, { binary });
		});
		return;
	}
	viewers.add(socket);
	socket.on('close', () => viewers.delete(socket));
});
server.on('listening', () => process.send?.(server.address().port));
