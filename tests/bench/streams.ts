// The two sides of the streaming benches: a run's log on a real hub, and a bare relay that keeps nothing. Both have the
// same source, the same frames and the same viewers.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import WebSocket from 'ws';
import { CHUNK_HEADER, FRAME_HEADER, Kind, Stream, UNACKED_MAX, weightOf } from '#protocol/run-frames.ts';
import type { Api } from '../support/api.ts';
import { type Identity, WireAgent } from '../support/wire-agent.ts';

export interface Side {
	/** Opens viewers; `seen` gets each frame's log bytes. */
	watch(count: number, seen: (viewer: number, payload: Buffer) => void): Promise<void>;
	/** The next frame of log, ready to be sent: what a source does before it is none of what is measured. */
	frame(payload: Buffer): Buffer;
	/** Sends the next frame; resolves when another may be sent. */
	send(frame: Buffer): Promise<void>;
	end(): Promise<void>;
}

async function open(url: string, headers: Record<string, string> = {}): Promise<WebSocket> {
	const ws = new WebSocket(url, { headers, perMessageDeflate: false });
	await once(ws, 'open');
	return ws;
}

export async function hubSide(api: Api, identity: Identity, job_id: number): Promise<Side> {
	const agent = await WireAgent.connect(api.url, identity);
	const run_id = await api.run(job_id);
	const at = await agent.begin();
	const viewers: WebSocket[] = [];
	let unacked = 0;
	const sizes: number[] = [];
	let acked = 0;
	return {
		async watch(count, seen) {
			for (let i = 0; i < count; i++) {
				const ws = await open(`${api.url.replace('http', 'ws')}/live/runs/${String(run_id)}?from=0`, {
					cookie: api.cookie,
					origin: api.url,
				});
				ws.on('message', (data: Buffer) => {
					if (data[0] === Kind.log) seen(i, data.subarray(FRAME_HEADER));
				});
				viewers.push(ws);
			}
		},
		frame: (payload) => agent.chunk(at, payload, Stream.stdout),
		async send(frame) {
			agent.ws.send(frame);
			const size = weightOf(frame.subarray(CHUNK_HEADER));
			sizes.push(size);
			unacked += size;
			while (unacked >= UNACKED_MAX) {
				const { seq } = await agent.next('ack', (m) => m.run_id === run_id);
				for (; acked < seq; acked++) unacked -= sizes[acked] ?? 0;
			}
		},
		async end() {
			agent.finish(at);
			await api.ended(run_id);
			await agent.close();
			for (const ws of viewers) ws.terminate();
		},
	};
}

export async function relaySide(): Promise<Side> {
	const relay = fork(path.join(import.meta.dirname, 'peers/relay.mjs'), {
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
	});
	const [port] = (await once(relay, 'message')) as [number];
	const source = await open(`ws://127.0.0.1:${String(port)}/source`);
	const viewers: WebSocket[] = [];
	return {
		async watch(count, seen) {
			for (let i = 0; i < count; i++) {
				const ws = await open(`ws://127.0.0.1:${String(port)}/`);
				ws.on('message', (data: Buffer) => {
					seen(i, data.subarray(FRAME_HEADER));
				});
				viewers.push(ws);
			}
		},
		frame: (payload) => Buffer.concat([Buffer.alloc(FRAME_HEADER), payload]),
		async send(frame) {
			source.send(frame);
			if (source.bufferedAmount > UNACKED_MAX)
				await new Promise<void>((resolve) => {
					const look = () => {
						if (source.bufferedAmount > UNACKED_MAX / 2) setImmediate(look);
						else resolve();
					};
					look();
				});
		},
		async end() {
			for (const ws of viewers) ws.terminate();
			source.terminate();
			relay.kill();
			await once(relay, 'exit');
		},
	};
}
