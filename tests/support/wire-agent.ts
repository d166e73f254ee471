// An agent reduced to the wire: it enrols, proves its key and accepts, and leaves the rest to the test. For what a real
// agent never does (speaking of another's run, repeating, reordering) and for floods no script could make.
import { createHash, generateKeyPairSync, type Hash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { constants, zstdCompressSync } from 'node:zlib';
import WebSocket from 'ws';
import { authMessage, enrolMessage, type FromAgent, ToAgent } from '#protocol/agent.ts';
import { encodeChunk, encodeFrame, encodePacked, Kind, PACKED_MIN, Stream } from '#protocol/run-frames.ts';
import { AGENT_PROTOCOL } from '#protocol/version.ts';
import type { Api } from './api.ts';

type Message = ToAgent;
type Of<T extends Message['type']> = Extract<Message, { type: T }>;

export interface Identity {
	agent_id: number;
	key: KeyObject;
	labels: Record<string, string>;
}

/** A new agent, enrolled and confirmed by an admin. */
export async function enrol(
	admin: Api,
	name: string,
	scope: { project_ids?: number[]; labels?: Record<string, string> } = {},
): Promise<Identity> {
	const { token } = await admin.ok('POST', '/api/agents/enrolments', scope);
	const { publicKey, privateKey } = generateKeyPairSync('ed25519');
	const public_key = publicKey.export({ format: 'jwk' }).x ?? '';
	const signature = sign(null, enrolMessage({ token: token as string, public_key }), privateKey).toString('base64url');
	const answer = await admin.ok('POST', '/api/agents/enrol', {
		token,
		name,
		public_key,
		signature,
		capacity: 100,
		version: 'test',
	});
	await admin.ok('POST', `/api/agents/${String(answer.agent_id)}/confirm`, { fingerprint: answer.fingerprint });
	return { agent_id: answer.agent_id as number, key: privateKey, labels: scope.labels ?? {} };
}

export class WireAgent {
	readonly ws: WebSocket;
	readonly got: Message[] = [];
	private waiting: { pick: (m: Message) => boolean; give: (m: Message) => void; fail: (why: Error) => void }[] = [];
	private ended: Error | null = null;
	private log = new Map<number, { seq: number; offset: number; hash: Hash; chunks: Hash }>();

	private constructor(ws: WebSocket) {
		this.ws = ws;
		ws.on('message', (data, binary) => {
			if (!binary) this.take(ToAgent.parse(JSON.parse(data.toString())));
		});
		ws.on('close', (code, why) => {
			this.ended = new Error(`the hub closed the agent's connection: ${String(code)} ${why.toString()}`);
			for (const { fail } of this.waiting.splice(0)) fail(this.ended);
		});
	}

	static async connect(
		url: string,
		{ agent_id, key, labels }: Identity,
		hello: Partial<Extract<FromAgent, { type: 'hello' }>> = {},
	): Promise<WireAgent> {
		const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/live/agent?agent=${String(agent_id)}`, {
			perMessageDeflate: false,
		});
		const agent = new WireAgent(ws);
		await once(ws, 'open');
		const { challenge, host } = await agent.next('challenge');
		const boot_id = hello.boot_id ?? randomBytes(16).toString('hex');
		agent.send({
			type: 'hello',
			v: AGENT_PROTOCOL,
			agent_id,
			boot_id,
			signature: sign(null, authMessage({ host, agent_id, challenge, boot_id }), key).toString('base64url'),
			version: 'test',
			labels,
			capacity: 100,
			abilities: { backends: ['local'], tools: {} },
			runs: [],
			...hello,
		});
		await agent.next('welcome');
		return agent;
	}

	/** The same agent over a new connection: its runs' logs go on where they were. */
	async again(...connection: Parameters<typeof WireAgent.connect>): Promise<WireAgent> {
		const agent = await WireAgent.connect(...connection);
		agent.log = this.log;
		return agent;
	}

	private take(message: Message) {
		const at = this.waiting.findIndex((w) => w.pick(message));
		if (at < 0) this.got.push(message);
		else this.waiting.splice(at, 1)[0]?.give(message);
	}

	/** The next message of a type, past or to come, that `also` holds for. Fails when the connection ends before. */
	next<T extends Message['type']>(type: T, also: (m: Of<T>) => boolean = () => true): Promise<Of<T>> {
		return this.first((m): m is Of<T> => m.type === type && also(m as Of<T>));
	}

	private first<M extends Message>(pick: (m: Message) => m is M): Promise<M> {
		const at = this.got.findIndex(pick);
		const had = at < 0 ? undefined : this.got.splice(at, 1)[0];
		if (had) return Promise.resolve(had as M);
		if (this.ended) return Promise.reject(this.ended);
		return new Promise((give, fail) => this.waiting.push({ pick, give: (m) => give(m as M), fail }));
	}

	send(message: FromAgent): void {
		this.ws.send(JSON.stringify(message));
	}

	/**
	 * Accepts the next offer and is granted it; answers with what identifies the run in every later message. An offer that lapsed
	 * before the test came to it (a busy machine) is passed over: the hub makes it anew.
	 */
	async begin(): Promise<{ run_id: number; epoch: number }> {
		for (;;) {
			const offer = await this.next('offer');
			const { run_id } = offer.spec as { run_id: number };
			const at = { run_id, epoch: offer.epoch };
			this.send({ type: 'accept', ...at, need: [] });
			const { type } = await this.first((m): m is Of<'grant' | 'withdraw'> => {
				return (m.type === 'grant' || m.type === 'withdraw') && m.run_id === run_id && m.epoch === offer.epoch;
			});
			if (type === 'withdraw') continue;
			this.send({ type: 'started', ...at, at: new Date().toISOString() });
			this.log.set(run_id, { seq: 0, offset: 0, hash: createHash('sha256'), chunks: createHash('sha256') });
			return at;
		}
	}

	/** The next chunk of a run's log, encoded; send it, or do something worse with it. */
	chunk(at: { run_id: number; epoch: number }, payload: Uint8Array, stream: Stream = Stream.stdout): Buffer {
		const state = this.log.get(at.run_id);
		if (!state) throw new Error('begin() comes first');
		const frame = encodeFrame({ kind: Kind.log, stream, offset: state.offset, t_ms: Date.now(), payload });
		state.seq++;
		state.offset += payload.length;
		state.hash.update(payload);
		const sent = payload.length < PACKED_MIN ? frame : packed(frame, payload.length);
		const sha256 = createHash('sha256').update(sent).digest();
		state.chunks.update(sha256);
		return Buffer.from(encodeChunk({ ...at, seq: state.seq, sha256, frame: sent }));
	}

	finish(at: { run_id: number; epoch: number }, exit_code = 0): void {
		const state = this.log.get(at.run_id);
		if (!state) throw new Error('begin() comes first');
		this.send({
			type: 'finish',
			...at,
			outcome: exit_code === 0 ? 'success' : 'failed',
			exit_code,
			reason: null,
			started_at: null,
			exited_at: new Date().toISOString(),
			last_seq: state.seq,
			bytes: state.offset,
			sha256: state.hash.copy().digest('hex'),
			chunks_sha256: state.chunks.copy().digest('hex'),
		});
	}

	async close(): Promise<void> {
		if (this.ws.readyState === WebSocket.CLOSED) return;
		this.ws.terminate();
		await once(this.ws, 'close');
	}
}

function packed(frame: Uint8Array, payload_length: number): Uint8Array {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(frame.length);
	const params = { [constants.ZSTD_c_compressionLevel]: 1 };
	const body = zstdCompressSync(Buffer.concat([length, frame]), { params });
	return body.length < payload_length ? encodePacked({ payload_length, body }) : frame;
}
