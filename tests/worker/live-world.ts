import { zstdCompressSync } from 'node:zlib';
import { env, exports } from 'cloudflare:workers';
import { expect } from 'vitest';
import { z } from 'zod';
import { Run } from '#domain/run.ts';
import { authMessage, type Outcome, type FromAgent, type KnownRun, ToAgent } from '#protocol/agent.ts';
import {
	decodeChunk,
	decodeFrame,
	encodeChunk,
	encodeFrame,
	encodePacked,
	type Frame,
	Kind,
	toHex,
} from '#protocol/run-frames.ts';
import type { RunRecord } from '#protocol/run-record.ts';
import { type Caller, fresh, idOf, insert, ORIGIN } from './api-world.ts';

// Agents and viewers as the hub meets them: sockets that speak the protocol, and do as the test says.

const base64url = (bytes: ArrayBuffer) =>
	btoa(String.fromCharCode(...new Uint8Array(bytes)))
		.replace(/\+/g, '-')
		.replace(/\//g, '_')
		.replace(/=+$/, '');

/** A socket of the hub, with all it said, and how it was closed. */
export class TestSocket {
	readonly ws: WebSocket;
	readonly messages: (string | Uint8Array)[] = [];
	closed: { code: number; reason: string } | null = null;

	constructor(ws: WebSocket) {
		this.ws = ws;
		ws.binaryType = 'arraybuffer';
		ws.addEventListener('message', ({ data }) => {
			this.messages.push(typeof data === 'string' ? data : new Uint8Array(data));
		});
		ws.addEventListener('close', ({ code, reason }) => {
			this.closed = { code, reason };
		});
		ws.accept();
	}

	static async open(path: string, headers: Record<string, string> = {}): Promise<TestSocket> {
		const response = await exports.default.fetch(`${ORIGIN}${path}`, { headers: { upgrade: 'websocket', ...headers } });
		if (!response.webSocket) throw new Error(`${path}: ${String(response.status)} ${await response.text()}`);
		return new TestSocket(response.webSocket);
	}

	async closes(code: number): Promise<void> {
		await expect.poll(() => this.closed?.code, { timeout: 30_000 }).toBe(code);
	}
}

export interface AgentIdentity {
	id: number;
	key: CryptoKeyPair;
}

/** An agent in the record, with its key. */
export async function enrolled(fields: Record<string, unknown> = {}): Promise<AgentIdentity> {
	const key = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
	const public_key = base64url((await crypto.subtle.exportKey('raw', key.publicKey)) as ArrayBuffer);
	const row = { name: fresh('agent'), public_key, fingerprint: fresh('f'), status: 'offline', capacity: 4, ...fields };
	return { id: await insert('agents', row), key };
}

const BACKENDS = ['local', 'dummy'];
export const newBoot = () => toHex(crypto.getRandomValues(new Uint8Array(16)));

type Hello = Extract<FromAgent, { type: 'hello' }>;

/** An agent's hello, with its signature over `message`. */
export const signedHello = async (
	key: CryptoKeyPair,
	message: Uint8Array<ArrayBuffer>,
	is: Pick<Hello, 'agent_id' | 'boot_id'> & Partial<Hello>,
): Promise<Hello> => ({
	type: 'hello',
	v: 1,
	signature: base64url(await crypto.subtle.sign('Ed25519', key.privateKey, message)),
	version: '0.1.0',
	labels: {},
	capacity: 4,
	abilities: { backends: BACKENDS, tools: {} },
	runs: [],
	...is,
});

type Of<Type extends ToAgent['type']> = Extract<ToAgent, { type: Type }>;

export class TestAgent {
	readonly socket: TestSocket;
	readonly id: number;

	constructor(socket: TestSocket, id: number) {
		this.socket = socket;
		this.id = id;
	}

	/** Connects, and waits for the welcome unless told otherwise. */
	static async connect(
		{ id, key }: AgentIdentity,
		{
			boot_id = newBoot(),
			runs = [],
			capacity = 4,
			v = 1,
			host,
			speaksFor = id,
			backends = BACKENDS,
		}: {
			boot_id?: string;
			runs?: KnownRun[];
			capacity?: number;
			v?: number;
			host?: string;
			speaksFor?: number;
			backends?: string[];
		} = {},
	): Promise<TestAgent> {
		const agent = new TestAgent(await TestSocket.open(`/live/agent?agent=${String(speaksFor)}`), id);
		const { challenge, host: told } = await agent.next('challenge');
		const message = authMessage({ host: host ?? told, agent_id: speaksFor, challenge, boot_id });
		agent.say(
			await signedHello(key, message, {
				v,
				agent_id: speaksFor,
				boot_id,
				capacity,
				runs,
				abilities: { backends, tools: {} },
			}),
		);
		return agent;
	}

	/** Connected, welcomed, and shown as online. */
	static async online(identity: AgentIdentity, options: Parameters<typeof TestAgent.connect>[1] = {}) {
		const agent = await TestAgent.connect(identity, options);
		const welcome = await agent.next('welcome');
		await expect
			.poll(() => env.DB.prepare('select status from agents where id = ?').bind(identity.id).first('status'))
			.toBe('online');
		return { agent, welcome };
	}

	say(frame: FromAgent | Uint8Array | string): void {
		this.socket.ws.send(frame instanceof Uint8Array || typeof frame === 'string' ? frame : JSON.stringify(frame));
	}

	get said(): ToAgent[] {
		return this.socket.messages.flatMap((m) => (typeof m === 'string' ? [ToAgent.parse(JSON.parse(m))] : []));
	}

	all<T extends ToAgent['type']>(type: T): Of<T>[] {
		return this.said.filter((m): m is Of<T> => m.type === type);
	}

	/** Waits for the `n`th message of a type. */
	async next<T extends ToAgent['type']>(type: T, n = 1): Promise<Of<T>> {
		await expect.poll(() => this.all(type).length >= n || this.socket.closed, { timeout: 30_000 }).toBeTruthy();
		const found = this.all(type)[n - 1];
		if (!found) throw new Error(`no ${type} came: closed ${JSON.stringify(this.socket.closed)}`);
		return found;
	}

	async offered(n = 1): Promise<{ run_id: number; epoch: number }> {
		const { epoch, spec } = await this.next('offer', n);
		return { run_id: z.object({ run_id: z.int() }).parse(spec).run_id, epoch };
	}

	/** Takes an offered run as far as its start. */
	async start(n = 1, accept: { callback_sha256?: string } = {}): Promise<Writer> {
		const run = await this.offered(n);
		this.say({ type: 'accept', ...run, need: [], ...accept });
		await expect.poll(() => this.all('grant').some((g) => g.run_id === run.run_id && g.epoch === run.epoch)).toBe(true);
		this.say({ type: 'started', ...run, at: new Date().toISOString() });
		return new Writer(this, run);
	}
}

/** What an agent writes of one run. */
export class Writer {
	agent: TestAgent;
	readonly run: { run_id: number; epoch: number };
	seq = 0;
	offset = 0;
	readonly chunks: Uint8Array[] = [];
	readonly #bytes: Uint8Array[] = [];

	constructor(agent: TestAgent, run: { run_id: number; epoch: number }) {
		this.agent = agent;
		this.run = run;
	}

	/** Makes the next chunk without sending it. */
	async chunk(text: string | Uint8Array, stream: 1 | 2 = 1): Promise<Uint8Array> {
		const payload = typeof text === 'string' ? new TextEncoder().encode(text) : text;
		const frame = encodeFrame({ kind: Kind.log, stream, offset: this.offset, t_ms: Date.now(), payload });
		const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', frame));
		const chunk = encodeChunk({ ...this.run, seq: ++this.seq, sha256, frame });
		this.offset += payload.length;
		this.chunks.push(chunk);
		this.#bytes.push(payload);
		return chunk;
	}

	/** The next chunk, packed: `body` is what is sent in place of what it should be, and may be anything. */
	async packed(text: string, body: (plain: Uint8Array) => Uint8Array = packedBody): Promise<Uint8Array> {
		const plain = decodeChunk(await this.chunk(text)).frame;
		this.chunks.pop();
		const frame = encodePacked({ payload_length: text.length, body: body(plain) });
		const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', frame));
		const chunk = encodeChunk({ ...this.run, seq: this.seq, sha256, frame });
		this.chunks.push(chunk);
		return chunk;
	}

	async write(text: string | Uint8Array, stream: 1 | 2 = 1): Promise<void> {
		this.agent.say(await this.chunk(text, stream));
	}

	/** What is said beside the log: it takes a number, and no place in the bytes. */
	async record(record: RunRecord): Promise<void> {
		const payload = new TextEncoder().encode(JSON.stringify(record));
		const frame = encodeFrame({ kind: Kind.record, stream: 0, offset: this.offset, t_ms: Date.now(), payload });
		const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', frame));
		const chunk = encodeChunk({ ...this.run, seq: ++this.seq, sha256, frame });
		this.chunks.push(chunk);
		this.agent.say(chunk);
	}

	async acked(seq = this.seq): Promise<void> {
		await expect
			.poll(() => this.agent.all('ack').some((a) => a.run_id === this.run.run_id && a.seq >= seq), { timeout: 30_000 })
			.toBe(true);
	}

	/** SHA-256 of the chunks' SHA-256s, as a finish of protocol 3 has it. */
	async chunksSha256(): Promise<string> {
		const hashes = this.chunks.flatMap((chunk) => [...decodeChunk(chunk).sha256]);
		return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(hashes))));
	}

	get bytes(): Uint8Array {
		const all = new Uint8Array(this.offset);
		let at = 0;
		for (const part of this.#bytes) {
			all.set(part, at);
			at += part.length;
		}
		return all;
	}

	async finish(
		outcome: Outcome = 'success',
		over: Partial<Extract<FromAgent, { type: 'finish' }>> = {},
	): Promise<void> {
		const now = new Date().toISOString();
		this.agent.say({
			type: 'finish',
			...this.run,
			outcome,
			exit_code: outcome === 'success' ? 0 : 1,
			reason: null,
			started_at: now,
			exited_at: now,
			last_seq: this.seq,
			bytes: this.offset,
			sha256: toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', this.bytes))),
			...over,
		});
	}

	async finished(): Promise<void> {
		await expect
			.poll(() => this.agent.all('finished').some((f) => f.run_id === this.run.run_id), { timeout: 30_000 })
			.toBe(true);
	}
}

/** Somebody who watches a run. */
export class Viewer {
	readonly socket: TestSocket;
	constructor(socket: TestSocket) {
		this.socket = socket;
	}

	static async open(who: Caller, run_id: number, from?: number): Promise<Viewer> {
		const path = `/live/runs/${String(run_id)}${from === undefined ? '' : `?from=${String(from)}`}`;
		return new Viewer(await TestSocket.open(path, { cookie: who.cookie, origin: ORIGIN }));
	}

	get frames(): Frame[] {
		return this.socket.messages.flatMap((m) => (typeof m === 'string' ? [] : [decodeFrame(m)]));
	}

	get rows(): Run[] {
		return this.frames
			.filter((f) => f.kind === Kind.status)
			.map((f) => Run.parse(JSON.parse(new TextDecoder().decode(f.payload))));
	}

	/** The log as this viewer has it; throws where bytes are missing, or came twice. */
	log(from = 0): string {
		let at = from;
		const parts = this.frames.filter((f) => f.kind === Kind.log);
		for (const { offset, payload } of parts) {
			if (offset !== at) throw new Error(`a frame starts at ${String(offset)}, ${String(at)} was next`);
			at += payload.length;
		}
		return new TextDecoder().decode(new Uint8Array(parts.flatMap((f) => [...f.payload])));
	}
}

/** A job with a script, and a run of it in the queue. */
export async function queuedRun(who: Caller, project_id: number, fields: object = {}): Promise<number> {
	const script = await who.ok('POST', `/api/projects/${String(project_id)}/scripts`, {
		tool: 'shell',
		name: fresh('script'),
		location_type: 'uploaded',
		content: 'echo hello\n',
	});
	const job = await who.ok('POST', `/api/projects/${String(project_id)}/jobs`, {
		title: fresh('job'),
		job_type: 'ops',
		script_ids: [script.id],
		...fields,
	});
	return runOf(who, idOf(job));
}

export async function runOf(who: Caller, job_id: number): Promise<number> {
	return idOf(await who.ok('POST', `/api/jobs/${String(job_id)}/runs`, {}));
}

/** The run's row in the record. */
export async function rowOf(id: number): Promise<Record<string, unknown>> {
	return (await env.DB.prepare('select * from runs where id = ?').bind(id).first()) ?? {};
}

export const becomes = (id: number, fields: Record<string, unknown>) =>
	expect.poll(() => rowOf(id), { timeout: 30_000 }).toMatchObject(fields);

/** A viewer frame behind its length, compressed. */
export function packedBody(plain: Uint8Array): Uint8Array {
	const whole = new Uint8Array(4 + plain.length);
	new DataView(whole.buffer).setUint32(0, plain.length);
	whole.set(plain, 4);
	return zstdCompressSync(whole);
}
