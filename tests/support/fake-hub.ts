// A hub that is nothing but its side of the agent's protocol, over a real WebSocket: it can be cut at any message, say what no
// hub would say, and knows exactly what reached it. What it takes it checks: signatures, schemas, hashes, sequence.
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import { zstdDecompressSync } from 'node:zlib';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { EnrolRequest } from '#domain/agent.ts';
import { authMessage, enrolMessage, type Finish, FromAgent, type KnownRun, type ToAgent } from '#protocol/agent.ts';
import { parseRecord, type RunRecord } from '#protocol/run-record.ts';
import { type RunSpec } from '#protocol/run-spec.ts';
import {
	type Chunk,
	decodeChunk,
	decodeFrame,
	decodePacked,
	encodeBlob,
	fromHex,
	Kind,
	PAYLOAD_MAX,
	Stream,
	UNACKED_MAX,
	weightOf,
} from '#protocol/run-frames.ts';
import { sha256, SpecBook, type SpecOf } from './specs.ts';

export type Direction = 'to_hub' | 'to_agent';
/** pass it on · drop: it never arrives · cut: it never arrives, and the line is cut · cut_after: it arrives, then the line is cut */
export type Fate = 'pass' | 'drop' | 'cut' | 'cut_after';

export interface HubRun {
	run_id: number;
	epoch: number;
	spec: unknown;
	granted: boolean;
	cancel: boolean;
	accepted: boolean;
	started: boolean;
	seq: number;
	/** All log bytes in order. */
	log: Buffer[];
	bytes: number;
	/** How many chunks were packed, and what is not acknowledged. */
	packed: number;
	unacked: number;
	byStream: Record<number, Buffer[]>;
	dropped: number;
	records: RunRecord[];
	finish: Finish | null;
	refused: Extract<FromAgent, { type: 'refuse' }>['reason'] | null;
	times: number[];
}

export class FakeHub {
	readonly #server: Server;
	readonly #sockets: WebSocketServer;
	readonly #key = new Map<number, string>();
	#ws: WebSocket | null = null;
	#waiting: { until: () => boolean; resolve: () => void }[] = [];
	/** What to do with each message; tests replace it. */
	watch: (direction: Direction, type: string) => Fate = () => 'pass';
	/** False: takes everything and answers nothing by itself. */
	autopilot = true;
	/** False: chunks are kept but not acknowledged. */
	acknowledges = true;
	/** Runs whose chunks are kept but not acknowledged. */
	readonly unanswered = new Set<HubRun>();
	/** False: connections are turned away. */
	open = true;
	heartbeat_s = 15;
	/** From 2 on, agents send records, from 4 on packed chunks. */
	protocol = 1;
	readonly scripts = new SpecBook();
	readonly messages: FromAgent[] = [];
	readonly runs = new Map<number, HubRun>();
	readonly hellos: Extract<FromAgent, { type: 'hello' }>[] = [];
	/** What the agent did wrong: must be empty at the end of every test. */
	readonly faults: string[] = [];
	token = `uhe_${randomBytes(32).toString('base64url')}`;
	host = '';

	private constructor(server: Server) {
		this.#server = server;
		this.#sockets = new WebSocketServer({ noServer: true, maxPayload: 1_048_576 });
		server.on('upgrade', (request, socket, head) => {
			if (!this.open) socket.destroy();
			else
				this.#sockets.handleUpgrade(request, socket, head, (ws) => {
					this.#connected(ws, request.headers.host ?? '');
				});
		});
	}

	static async start(): Promise<FakeHub> {
		const server = createServer();
		const hub = new FakeHub(server);
		server.on('request', (request, response) => void hub.#http(request, response));
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		return hub;
	}

	get url(): string {
		return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
	}

	get connected(): boolean {
		return this.#ws !== null;
	}

	async stop(): Promise<void> {
		this.cut();
		for (const ws of this.#sockets.clients) ws.terminate();
		this.#server.closeAllConnections();
		this.#server.close();
		await once(this.#server, 'close');
	}

	cut(): void {
		this.#ws?.terminate();
		this.#ws = null;
		this.#changed();
	}

	/** Stops reading and answering without closing: what a dead peer behind a firewall looks like. */
	freeze(): void {
		this.#ws?.pause();
	}

	send(message: ToAgent): void {
		this.raw(message.type, JSON.stringify(message));
	}

	/** Anything at all; `type` is what `watch` is asked about. */
	raw(type: string, data: string | Uint8Array): void {
		const fate = this.watch('to_agent', type);
		const ws = this.#ws;
		if (fate === 'pass' || fate === 'cut_after') ws?.send(data);
		if (fate === 'cut') this.cut();
		if (fate === 'cut_after') {
			ws?.close();
			this.#ws = null;
		}
	}

	offer(of: SpecOf | RunSpec = {}): HubRun {
		return this.offerRaw('job_id' in of && 'steps' in of ? of : this.scripts.spec(of));
	}

	/** Offers whatever it is given, well-formed or not. */
	offerRaw(spec: unknown): HubRun {
		const run_id = (spec as { run_id: number }).run_id;
		const run: HubRun = {
			run_id,
			epoch: 0,
			spec,
			granted: false,
			cancel: false,
			accepted: false,
			started: false,
			seq: 0,
			log: [],
			bytes: 0,
			packed: 0,
			unacked: 0,
			byStream: {},
			dropped: 0,
			records: [],
			finish: null,
			refused: null,
			times: [],
		};
		this.runs.set(run_id, run);
		this.#offer(run);
		return run;
	}

	#offer(run: HubRun): void {
		run.epoch++;
		run.granted = run.accepted = run.started = false;
		this.send({ type: 'offer', epoch: run.epoch, spec: run.spec });
	}

	cancel(run: HubRun): void {
		run.cancel = true;
		this.send({ type: 'cancel', run_id: run.run_id, epoch: run.epoch });
	}

	/** Waits for something to become true; looked at after every message. */
	async until(condition: () => boolean, what = 'what the test waits for', within_ms = 30_000): Promise<void> {
		if (condition()) return;
		let timer: NodeJS.Timeout | undefined;
		await Promise.race([
			new Promise<void>((resolve) => this.#waiting.push({ until: condition, resolve })),
			new Promise<never>((_, reject) => {
				timer = setTimeout(() => {
					reject(
						new Error(
							`${what} did not come; last: ${JSON.stringify(this.messages.slice(-3))}; faults: ${this.faults.join('; ')}`,
						),
					);
				}, within_ms);
			}),
		]);
		clearTimeout(timer);
	}

	ended(run: HubRun, within_ms = 30_000): Promise<void> {
		return this.until(
			() => run.finish !== null || run.refused !== null,
			`the end of run ${String(run.run_id)}`,
			within_ms,
		);
	}

	#changed(): void {
		this.#waiting = this.#waiting.filter(({ until, resolve }) => {
			if (!until()) return true;
			resolve();
			return false;
		});
	}

	async #http(request: IncomingMessage, response: ServerResponse): Promise<void> {
		let body = '';
		for await (const part of request) body += String(part);
		const answer = (status: number, value: object) => {
			response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
		};
		if (request.url === '/api/health') return answer(200, { status: 'ok' });
		const enrol = EnrolRequest.safeParse(JSON.parse(body || '{}'));
		if (request.url !== '/api/agents/enrol' || !enrol.success)
			return answer(404, { detail: 'There is no such thing.' });
		const { token, public_key, signature } = enrol.data;
		const held = verify(
			null,
			enrolMessage({ token, public_key }),
			keyOf(public_key),
			Buffer.from(signature, 'base64url'),
		);
		if (token !== this.token || !held)
			return answer(403, { detail: 'The enrolment token is unknown, used or expired.' });
		this.token = '';
		const agent_id = this.#key.size + 1;
		this.#key.set(agent_id, public_key);
		answer(201, { agent_id, status: 'offline', fingerprint: sha256(Buffer.from(public_key, 'base64url')) });
	}

	#connected(ws: WebSocket, host: string): void {
		const challenge = randomBytes(32).toString('base64url');
		const asked = { host: this.host || host, challenge };
		ws.send(JSON.stringify({ type: 'challenge', v: this.protocol, v_min: 1, ...asked }));
		ws.on('message', (data: Buffer, binary) => {
			// What was read together with the message at which the line was cut never arrives either.
			if (ws.readyState !== ws.OPEN) return;
			this.#received(ws, data, binary, asked);
			this.#changed();
		});
		ws.on('close', () => {
			if (this.#ws === ws) this.#ws = null;
			this.#changed();
		});
		ws.on('error', () => ws.terminate());
	}

	#received(ws: WebSocket, data: Buffer, binary: boolean, asked: { host: string; challenge: string }): void {
		if (!binary) {
			const parsed = FromAgent.safeParse(JSON.parse(data.toString()));
			if (!parsed.success) {
				this.faults.push(`not a message: ${data.toString().slice(0, 200)}`);
				return;
			}
			if (parsed.data.type === 'hello') {
				this.#hello(ws, parsed.data, asked);
				return;
			}
		}
		if (ws !== this.#ws) return;
		const message = binary ? null : FromAgent.parse(JSON.parse(data.toString()));
		const fate = this.watch('to_hub', message?.type ?? 'chunk');
		if (fate === 'pass' || fate === 'cut_after') {
			if (message) this.#message(message);
			else this.#chunk(data);
		}
		if (fate === 'cut' || fate === 'cut_after') this.cut();
	}

	#hello(
		ws: WebSocket,
		hello: Extract<FromAgent, { type: 'hello' }>,
		asked: { host: string; challenge: string },
	): void {
		const { agent_id, boot_id, signature } = hello;
		const signed = authMessage({ ...asked, agent_id, boot_id });
		const key = this.#key.get(agent_id);
		if (!key || !verify(null, signed, keyOf(key), Buffer.from(signature, 'base64url'))) {
			this.faults.push('a hello with a wrong signature');
			ws.close(4401);
			return;
		}
		this.hellos.push(hello);
		this.#ws = ws;
		const again: HubRun[] = [];
		const named = hello.runs.map((known) => this.#judge(known, again));
		this.send({ type: 'welcome', heartbeat_s: this.heartbeat_s, lease_s: 60, runs: named });
		if (!this.autopilot) return;
		for (const run of this.runs.values()) {
			if (run.finish || run.refused || hello.runs.some((k) => k.run_id === run.run_id)) continue;
			// A granted run that its agent does not know any more is lost: it may have run.
			if (!run.granted) again.push(run);
		}
		for (const run of again) this.#offer(run);
	}

	#judge(known: KnownRun, again: HubRun[]): Extract<ToAgent, { type: 'welcome' }>['runs'][number] {
		const run = this.runs.get(known.run_id);
		const at = { run_id: known.run_id, epoch: known.epoch };
		if (!run || run.epoch !== known.epoch) return { ...at, action: 'drop', next_seq: 0 };
		if (run.finish) return { ...at, action: 'done', next_seq: 0 };
		if (known.phase === 'not_started' || (known.phase === 'accepted' && !run.granted)) {
			again.push(run);
			return { ...at, action: 'drop', next_seq: 0 };
		}
		if (known.phase === 'accepted') return { ...at, action: 'grant', next_seq: 1 };
		return { ...at, action: run.cancel ? 'cancel' : 'resume', next_seq: run.seq + 1 };
	}

	#message(message: FromAgent): void {
		this.messages.push(message);
		if (!('epoch' in message)) return;
		const run = this.runs.get(message.run_id);
		if (!run || run.epoch !== message.epoch) {
			this.faults.push(`${message.type} of run ${String(message.run_id)} under epoch ${String(message.epoch)}`);
			return;
		}
		const at = { run_id: run.run_id, epoch: run.epoch };
		if (message.type === 'refuse') run.refused = message.reason;
		if (message.type === 'started') run.started = true;
		if (message.type === 'accept') {
			run.accepted = true;
			if (!this.autopilot) return;
			for (const hash of message.need) this.#sendBlob(hash);
			this.grant(run);
		}
		if (message.type === 'finish') {
			if (message.last_seq !== run.seq)
				this.faults.push(`a finish at ${String(message.last_seq)} after chunk ${String(run.seq)}`);
			if (run.finish && JSON.stringify(run.finish) !== JSON.stringify(message))
				this.faults.push('two different finishes');
			if (message.sha256 !== sha256(Buffer.concat(run.log)))
				this.faults.push('the finish has another hash than the log');
			if (message.bytes !== run.bytes) this.faults.push('the finish has another length than the log');
			run.finish = message;
			if (this.autopilot) this.send({ type: 'finished', ...at });
		}
	}

	grant(run: HubRun): void {
		run.granted = true;
		this.send({ type: 'grant', run_id: run.run_id, epoch: run.epoch });
	}

	#sendBlob(hash: string): void {
		const content = this.scripts.content(hash);
		for (let offset = 0; offset === 0 || offset < content.length; offset += PAYLOAD_MAX) {
			const payload = content.subarray(offset, offset + PAYLOAD_MAX);
			this.raw('blob', encodeBlob({ sha256: fromHex(hash), offset, total: content.length, payload }));
		}
	}

	#chunk(data: Buffer): void {
		const chunk = decodeChunk(data);
		const run = this.runs.get(chunk.run_id);
		if (!run || run.epoch !== chunk.epoch) {
			this.faults.push(`a chunk of run ${String(chunk.run_id)} under epoch ${String(chunk.epoch)}`);
			return;
		}
		if (!createHash('sha256').update(chunk.frame).digest().equals(chunk.sha256))
			this.faults.push('a chunk with a wrong hash');
		if (chunk.seq <= run.seq) return this.#ack(run);
		if (chunk.seq !== run.seq + 1) {
			this.faults.push(`chunk ${String(chunk.seq)} after ${String(run.seq)}`);
			return;
		}
		this.#take(run, chunk);
		if (this.acknowledges && !this.unanswered.has(run)) this.#ack(run);
		else if (run.unacked > UNACKED_MAX) this.faults.push('more than 1 MiB unacknowledged');
	}

	#take(run: HubRun, chunk: Chunk): void {
		const packed = decodePacked(chunk.frame);
		if (packed && this.protocol < 4) this.faults.push('a packed chunk for a hub that takes none');
		if (packed) run.packed++;
		run.unacked += weightOf(chunk.frame);
		const frame = decodeFrame(packed ? zstdDecompressSync(packed.body).subarray(4) : chunk.frame);
		if (frame.offset !== run.bytes)
			this.faults.push(`a frame at ${String(frame.offset)} where ${String(run.bytes)} is the end`);
		run.seq = chunk.seq;
		run.times.push(frame.t_ms);
		if (frame.kind === Kind.gap) {
			run.dropped += (JSON.parse(Buffer.from(frame.payload).toString()) as { dropped: number }).dropped;
			return;
		}
		if (frame.kind === Kind.record) {
			const record = parseRecord(frame.payload);
			if (record) run.records.push(record);
			else this.faults.push('a record that is none');
			return;
		}
		if (frame.stream === Stream.none || frame.payload.length === 0) this.faults.push('a frame of no stream, or empty');
		const bytes = Buffer.from(frame.payload);
		run.log.push(bytes);
		run.bytes += bytes.length;
		(run.byStream[frame.stream] ??= []).push(bytes);
	}

	#ack(run: HubRun): void {
		run.unacked = 0;
		this.send({ type: 'ack', run_id: run.run_id, epoch: run.epoch, seq: run.seq });
	}

	/** Acknowledges what has come, for hubs that do not do so by themselves. */
	ackAll(): void {
		this.acknowledges = true;
		this.unanswered.clear();
		for (const run of this.runs.values()) if (run.seq > 0) this.#ack(run);
	}
}

export const textOf = (run: HubRun, stream?: Stream): string =>
	Buffer.concat(stream === undefined ? run.log : (run.byStream[stream] ?? [])).toString();

const keyOf = (raw: string) => createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw }, format: 'jwk' });
