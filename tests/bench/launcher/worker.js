// The smallest Worker that uses everything the launcher must provide: D1, R2, an object with SQLite, a hibernating
// WebSocket with auto-response, an alarm, the client's address, assets, cron.
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';

export class Probe extends DurableObject {
	constructor(ctx, env) {
		super(ctx, env);
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
		ctx.storage.sql.exec('create table if not exists woke (at integer, why text)');
		ctx.storage.sql.exec('insert into woke values (?, ?)', Date.now(), 'constructed');
	}
	async fetch(request) {
		const url = new URL(request.url);
		if (request.headers.get('upgrade') === 'websocket') {
			const { 0: client, 1: server } = new WebSocketPair();
			this.ctx.acceptWebSocket(server, ['tag']);
			server.serializeAttachment({ who: 'me' });
			return new Response(null, { status: 101, webSocket: client });
		}
		if (url.pathname === '/do/alarm') await this.ctx.storage.setAlarm(Date.now() + 300);
		return Response.json(this.ctx.storage.sql.exec('select why, count(*) n from woke group by why').toArray());
	}
	async alarm() {
		this.ctx.storage.sql.exec('insert into woke values (?, ?)', Date.now(), 'alarm');
	}
	webSocketMessage(ws, message) {
		ws.send(typeof message === 'string' ? `${ws.deserializeAttachment().who}:${message}` : message);
	}
	webSocketClose(ws, code) {
		ws.close(code, 'bye');
	}
}

export class LocalControl extends WorkerEntrypoint {
	async fetch() {
		await this.env.DB.batch([
			this.env.DB.prepare('create table if not exists t (id integer primary key, v text)'),
			this.env.DB.prepare("insert or ignore into t values (1, 'one')"),
		]);
		return new Response('ok');
	}
}

let crons = 0;

export default {
	scheduled() {
		crons++;
	},
	async fetch(request, env) {
		const { pathname } = new URL(request.url);
		if (pathname === '/plain') return Response.json({ status: 'ok' });
		if (pathname === '/d1') return Response.json(await env.DB.prepare('select * from t where id = ?').bind(1).first());
		if (pathname === '/d1-write')
			return Response.json((await env.DB.prepare('insert into t (v) values (?)').bind('x').run()).meta);
		if (pathname === '/migrate') return new LocalControl({}, env).fetch();
		if (pathname.startsWith('/do') || pathname === '/ws') return env.PROBE.getByName('one').fetch(request);
		if (pathname === '/crons') return Response.json(crons);
		if (pathname === '/address')
			return Response.json({ cf: request.cf ?? null, headers: Object.fromEntries(request.headers) });
		if (pathname === '/r2') {
			const body = new Uint8Array(3_000_000).fill(7);
			await env.STORE.put('runs/1/seg', body, {
				httpMetadata: { contentType: 'text/plain' },
				customMetadata: { a: 'b' },
			});
			const part = await env.STORE.get('runs/1/seg', { range: { offset: 10, length: 20 } });
			const all = await (await env.STORE.get('runs/1/seg')).arrayBuffer();
			const refused = await env.STORE.put('runs/1/seg', 'x', { onlyIf: { etagMatches: 'nope' } });
			const list = await env.STORE.list({ prefix: 'runs/' });
			await env.STORE.delete('runs/1/seg');
			return Response.json({
				part: (await part.arrayBuffer()).byteLength,
				all: all.byteLength,
				refused,
				listed: list.objects.length,
				gone: await env.STORE.head('runs/1/seg'),
			});
		}
		return env.ASSETS.fetch(request);
	},
};
