import { DurableObject } from 'cloudflare:workers';
import type { Abilities, HostReport } from '#domain/agent.ts';
import type { FromAgent, KnownRun, RunSpec } from '#protocol/agent.ts';
import { Close, FRAME_MAX } from '#protocol/close-codes.ts';
import { BadFrame, decodeChunk } from '#protocol/run-frames.ts';
import { AGENT_PROTOCOL, AGENT_PROTOCOL_MIN } from '#protocol/version.ts';
import { systemCtx } from '#worker/http/context.ts';
import { agentOffline, agentOnline, hostReported, loadAgent, quarantineAgent } from '#worker/services/agents/seen.ts';
import { sweepRuns } from '#worker/services/runs/sweep.ts';
import { newChallenge, signedBy } from './agent-key.ts';
import { actionOf, type AgentSocket, parse, setSocket, socketOf, tell, type Verdict } from './agent-socket.ts';
import { Keyed } from './core/keyed.ts';
import { Slots } from './core/slots.ts';
import { Timers } from './core/timers.ts';
import { TokenBucket } from './core/token-bucket.ts';
import type { Script, Told } from './run-stream.ts';
import { sendScripts } from './send-scripts.ts';
import { type Passed, Uplink } from './uplink.ts';

const HEARTBEAT_S = 15;
const LEASE_S = 60;
/** How long a socket may take to prove who it is. */
const HELLO_MS = 5_000;
/** How long the older of two sockets has to show that it is alive. */
const PING_MS = 2_000;
/** Sockets that have not proved anything yet. */
const STRANGERS_MAX = 8;
const HOST_EVERY_MS = 60_000;
const ANNOUNCE_AGAIN_MS = 5_000;

interface Kept {
	/** What the hub's people gave the agent, as it was when last read. */
	scope: { project_ids: number[] | null; capacity: number };
	host_kept_at: number;
	/** What the agent said of itself at its latest hello. */
	said: { agent_version: string; abilities: Abilities };
}

type Hello = Extract<FromAgent, { type: 'hello' }>;

/** One agent's connection, and the truth about its slots. A shell: what it decides is in core/. */
export class AgentLink extends DurableObject<Env> {
	readonly #id: number;
	readonly #slots: Slots;
	readonly #timers: Timers;
	readonly #kept: Keyed<Kept>;
	readonly #uplink: Uplink;
	readonly #buckets = new WeakMap<WebSocket, TokenBucket>();
	readonly #pings = new Map<string, () => void>();
	/** After an eviction the agent counts as heard: it has another lease to speak. */
	#heardAt = Date.now();
	#alarmAt: number | null | undefined;
	/** Coming and going happen one after the other: of two at once, each must see what the other became. */
	#turn: Promise<void> = Promise.resolve();

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		this.#id = Number(ctx.id.name);
		this.#slots = new Slots(ctx.storage);
		this.#timers = new Timers(ctx.storage);
		this.#kept = new Keyed(ctx.storage);
		this.#uplink = new Uplink(this.#id, (run_id) => env.RUN_STREAM.getByName(String(run_id)));
	}

	// ——— the streams and the Worker ———

	/** Gives the agent a run to accept or refuse. `full` and `offline` change nothing. */
	offer(o: { run_id: number; epoch: number; project_id: number; spec: RunSpec }): 'offered' | 'full' | 'offline' {
		const agent = this.#agent();
		const scope = this.#kept.get('scope');
		if (!agent || !scope || (scope.project_ids !== null && !scope.project_ids.includes(o.project_id))) return 'offline';
		if (!this.#slots.room(o.run_id, Math.min(scope.capacity, agent.socket.capacity))) {
			this.#slots.wait(o.project_id);
			return 'full';
		}
		this.#slots.hold({ run_id: o.run_id, epoch: o.epoch, project_id: o.project_id, desired: 'run' });
		tell(agent.ws, { type: 'offer', epoch: o.epoch, spec: o.spec });
		return 'offered';
	}

	/** The run is not, or no longer, the agent's. */
	withdraw(run_id: number, epoch: number): void {
		const agent = this.#agent();
		if (agent) tell(agent.ws, { type: 'withdraw', run_id, epoch });
		this.#free(run_id, epoch);
	}

	/** The run is to be stopped: told now, and at every heartbeat until it is over. */
	cancel(run_id: number, epoch: number): void {
		const slot = this.#slots.of(run_id, epoch);
		if (!slot) return;
		this.#slots.hold({ ...slot, desired: 'cancel' });
		const agent = this.#agent();
		if (agent) tell(agent.ws, { type: 'cancel', run_id, epoch });
	}

	/** The agent's row was changed by a person: it may no longer speak, or for other projects. */
	async refresh(): Promise<void> {
		const row = await loadAgent(systemCtx(this.env, this.ctx), this.#id);
		if (row) this.#kept.put('scope', { project_ids: row.project_ids, capacity: row.capacity });
		if (row && (row.status === 'online' || row.status === 'offline')) {
			this.#tellRooms();
			return;
		}
		for (const ws of this.ctx.getWebSockets()) ws.close(Close.notAllowed, `this agent is ${row?.status ?? 'unknown'}`);
		for (const { run_id, epoch } of this.#slots.held) {
			const stream = this.#uplink.stream(run_id);
			const told = await (row?.status === 'quarantined' ? stream.gone(this.#id) : stream.revoked(this.#id));
			this.#let(run_id, epoch, told);
		}
	}

	// ——— the agent's socket ———

	override fetch(request: Request): Response {
		const strangers = this.ctx.getWebSockets().filter((ws) => socketOf(ws)?.stage !== 'in');
		const { 0: client, 1: server } = new WebSocketPair();
		this.ctx.acceptWebSocket(server);
		if (strangers.length >= STRANGERS_MAX) {
			server.close(Close.tooFast, 'too many connections that have not said hello');
			return new Response(null, { status: 101, webSocket: client });
		}
		const challenge = newChallenge();
		const host = request.headers.get('host') ?? '';
		setSocket(server, { stage: 'new', challenge, host, since: Date.now() });
		tell(server, { type: 'challenge', v: AGENT_PROTOCOL, v_min: AGENT_PROTOCOL_MIN, challenge, host });
		if (this.#timers.at('hello') === null) this.#timers.set('hello', Date.now() + HELLO_MS);
		this.#arm();
		return new Response(null, { status: 101, webSocket: client });
	}

	override async webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): Promise<void> {
		const size = message instanceof ArrayBuffer ? message.byteLength : message.length;
		if (size > FRAME_MAX) return ws.close(Close.tooLarge, 'a frame is too large');
		const socket = socketOf(ws);
		if (message instanceof ArrayBuffer) {
			if (socket?.stage !== 'in') return ws.close(Close.notSignedIn, 'say hello first');
			return this.#chunk(ws, new Uint8Array(message));
		}
		if (this.#flooded(ws)) return;
		const frame = parse(message);
		if (!frame) return ws.close(Close.badFrame, 'not a frame of this protocol');
		try {
			if (socket?.stage === 'new' && frame.type === 'hello') await this.#hello(ws, socket, frame);
			else if (socket?.stage !== 'in') ws.close(Close.notSignedIn, 'say hello first');
			else if (frame.type === 'hello') ws.close(Close.badFrame, 'hello was said before');
			else await this.#said(ws, frame);
		} catch (error) {
			this.#fault(ws, error);
		}
	}

	override async webSocketClose(ws: WebSocket): Promise<void> {
		// A socket that another took over from was no longer the agent's.
		if (socketOf(ws)?.stage === 'in') await this.#inTurn(() => this.#away());
	}

	override webSocketError(ws: WebSocket): Promise<void> {
		return this.webSocketClose(ws);
	}

	override async alarm(): Promise<void> {
		this.#alarmAt = null;
		const now = Date.now();
		for (const name of this.#timers.take(now)) {
			if (name === 'hello') this.#closeSilent(now);
			else if (name === 'announce') await this.#inTurn(() => this.#announce());
			else if (now < this.#heardAt + LEASE_S * 1000 && this.#agent())
				this.#timers.set('lease', this.#heardAt + LEASE_S * 1000);
			else {
				this.#agent()?.ws.close(Close.notSignedIn, 'silent for longer than the lease');
				await this.#inTurn(() => this.#away());
			}
		}
		this.#arm();
	}

	// ——— hello ———

	async #hello(ws: WebSocket, socket: Extract<AgentSocket, { challenge: string }>, hello: Hello) {
		// While this is being looked at nothing else from the socket counts.
		setSocket(ws, { ...socket, stage: 'proving' });
		await this.#inTurn(() => this.#join(ws, socket, hello));
	}

	#inTurn(work: () => Promise<void>): Promise<void> {
		const done = this.#turn.then(work);
		this.#turn = done.catch(() => undefined);
		return done;
	}

	async #join(ws: WebSocket, socket: Extract<AgentSocket, { challenge: string }>, hello: Hello) {
		const { boot_id } = hello;
		if (hello.v < AGENT_PROTOCOL_MIN || hello.v > AGENT_PROTOCOL)
			return ws.close(
				Close.notAllowed,
				`protocol ${String(hello.v)} is not understood here: ${String(AGENT_PROTOCOL_MIN)} to ${String(AGENT_PROTOCOL)} are`,
			);
		const row = await loadAgent(systemCtx(this.env, this.ctx), this.#id);
		const proof = { host: socket.host, agent_id: this.#id, challenge: socket.challenge, boot_id };
		if (!row || hello.agent_id !== this.#id || !(await signedBy(row.public_key, hello.signature, proof)))
			return ws.close(Close.notSignedIn, 'the signature is not this agent’s');
		if (row.status !== 'online' && row.status !== 'offline')
			return ws.close(
				Close.notAllowed,
				row.status === 'pending' ? 'an admin has to confirm this agent first' : `this agent is ${row.status}`,
			);
		if (!(await this.#takeOver(ws, boot_id))) return;

		this.#kept.put('scope', { project_ids: row.project_ids, capacity: row.capacity });
		this.#kept.put('said', { agent_version: hello.version, abilities: hello.abilities });
		this.#heardAt = Date.now();
		this.#timers.set('lease', this.#heardAt + LEASE_S * 1000);
		const runs = await this.#reconcile(hello.runs);
		// It may have been closed while the streams were asked.
		if (ws.readyState !== WebSocket.OPEN) return;
		setSocket(ws, { stage: 'in', boot_id, capacity: hello.capacity });
		tell(ws, { type: 'welcome', heartbeat_s: HEARTBEAT_S, lease_s: LEASE_S, runs });
		this.#later(this.#inTurn(() => this.#announce()));
	}

	/** Has the agent shown as online, and the rooms try what waits. The record may be away; the agent's runs go on meanwhile. */
	async #announce() {
		const said = this.#kept.get('said');
		if (!said || !this.#agent()) return;
		const ctx = systemCtx(this.env, this.ctx);
		try {
			await agentOnline(ctx, this.#id, said);
			this.#tellRooms();
			await sweepRuns(ctx);
		} catch (error) {
			console.error(`agent ${String(this.#id)} could not be announced:`, error);
			this.#timers.set('announce', Date.now() + ANNOUNCE_AGAIN_MS);
		}
		this.#arm();
	}

	/** Makes way for a new socket; false where it may not go on, for its key is in use elsewhere. */
	async #takeOver(ws: WebSocket, boot_id: string): Promise<boolean> {
		const old = this.#agent();
		if (!old) return true;
		if (old.socket.boot_id !== boot_id && (await this.#answers(old.ws))) {
			for (const each of [old.ws, ws]) each.close(Close.notAllowed, 'this key is used in two places: quarantined');
			await quarantineAgent(systemCtx(this.env, this.ctx), this.#id, [old.socket.boot_id, boot_id]);
			await this.refresh();
			return false;
		}
		setSocket(old.ws, { stage: 'proving', challenge: '', host: '', since: 0 });
		old.ws.close(Close.takenOver, 'the agent has connected anew');
		return true;
	}

	async #answers(ws: WebSocket): Promise<boolean> {
		const nonce = crypto.randomUUID();
		const answered = new Promise<boolean>((done) => {
			this.#pings.set(nonce, () => {
				done(true);
			});
			setTimeout(() => {
				done(false);
			}, PING_MS);
		});
		tell(ws, { type: 'ping', nonce });
		try {
			return await answered;
		} finally {
			this.#pings.delete(nonce);
		}
	}

	/** Asks every run's stream what the agent should do with it: those it names, and those it should have named. */
	async #reconcile(known: KnownRun[]): Promise<Verdict[]> {
		this.#uplink.reset();
		const named = new Set(known.map((k) => k.run_id));
		const [answers] = await Promise.all([
			Promise.all(
				known.map(async (k) => {
					const told = await this.#uplink.stream(k.run_id).known(this.#id, k);
					const { answer, seq } = told;
					const action = actionOf(answer);
					if (action === 'drop' || action === 'done') this.#free(k.run_id, k.epoch);
					return { run_id: k.run_id, epoch: k.epoch, action, next_seq: seq + 1 };
				}),
			),
			...this.#slots.held
				.filter(({ run_id }) => !named.has(run_id))
				.map(async ({ run_id, epoch }) => {
					this.#let(run_id, epoch, await this.#uplink.stream(run_id).unnamed(this.#id));
				}),
		]);
		return answers;
	}

	/** Nobody speaks for the agent any more: what was not granted goes back, the rest is shown as it is. */
	async #away() {
		if (this.#agent()) return;
		this.#timers.set('lease', null);
		this.#uplink.reset();
		await Promise.all(
			this.#slots.held.map(async ({ run_id, epoch }) => {
				this.#let(run_id, epoch, await this.#uplink.stream(run_id).gone(this.#id));
			}),
		);
		await agentOffline(systemCtx(this.env, this.ctx), this.#id);
		this.#arm();
	}

	#closeSilent(now: number) {
		let next: number | null = null;
		for (const ws of this.ctx.getWebSockets()) {
			const socket = socketOf(ws);
			if (socket?.stage !== 'new') continue;
			if (now >= socket.since + HELLO_MS) ws.close(Close.notSignedIn, 'no hello came');
			else next = Math.min(next ?? Infinity, socket.since + HELLO_MS);
		}
		this.#timers.set('hello', next);
	}

	// ——— what the agent says ———

	async #said(ws: WebSocket, frame: Exclude<FromAgent, Hello>) {
		this.#heardAt = Date.now();
		if (frame.type === 'pong') return this.#pings.get(frame.nonce)?.();
		if (frame.type === 'heartbeat') return this.#heartbeat(ws, frame.runs, frame.host);
		const { run_id, epoch } = frame;
		if (!this.#slots.of(run_id, epoch)) return this.#drop(ws, run_id, epoch);
		const stream = this.#uplink.stream(run_id);
		switch (frame.type) {
			case 'accept':
				return this.#do(ws, run_id, epoch, await stream.accepted(this.#id, epoch, frame.need));
			case 'refuse':
				return this.#do(ws, run_id, epoch, await stream.refused(this.#id, epoch, frame.reason));
			case 'started':
				return this.#do(ws, run_id, epoch, await stream.started(this.#id, epoch, frame.at));
			case 'finish': {
				this.#uplink.flush(frame, this.#passed(ws));
				return this.#do(ws, run_id, epoch, await stream.finished(this.#id, epoch, frame));
			}
		}
	}

	#chunk(ws: WebSocket, bytes: Uint8Array) {
		this.#heardAt = Date.now();
		let head: { run_id: number; epoch: number; seq: number };
		try {
			head = decodeChunk(bytes);
		} catch (error) {
			return ws.close(Close.badFrame, error instanceof BadFrame ? error.message : 'not a chunk');
		}
		const { run_id, epoch, seq } = head;
		if (!this.#slots.of(run_id, epoch)) return this.#flooded(ws) ? undefined : this.#drop(ws, run_id, epoch);
		if (!this.#uplink.add({ run_id, epoch, seq }, bytes, this.#passed(ws)))
			ws.close(Close.tooFast, 'more sent than may be unacknowledged');
	}

	#passed(ws: WebSocket): Passed {
		const failed = (error: unknown) => {
			this.#fault(ws, error);
		};
		return {
			done: (run_id, epoch, told) => {
				if (told.refused !== undefined) return ws.close(Close.badFrame, told.refused.slice(0, 120));
				if (told.answer !== 'drop') tell(ws, { type: 'ack', run_id, epoch, seq: told.seq });
				this.#do(ws, run_id, epoch, told).catch(failed);
			},
			failed,
		};
	}

	/** Carries out what a stream answered. */
	async #do(ws: WebSocket, run_id: number, epoch: number, told: Told): Promise<void> {
		this.#let(run_id, epoch, told);
		switch (told.answer) {
			case 'grant':
			case 'cancel':
				return tell(ws, { type: told.answer, run_id, epoch });
			case 'drop':
				return this.#drop(ws, run_id, epoch);
			case 'done':
			case 'finished':
				this.#free(run_id, epoch);
				return tell(ws, { type: 'finished', run_id, epoch });
			case 'resume':
				// What is missing is asked for at the next hello: the one way to resume.
				return ws.close(Close.fault, 'part of a log is missing: connect anew');
			case 'send':
				return this.#do(ws, run_id, epoch, await this.#send(ws, run_id, epoch, told.scripts ?? []));
			case null:
				return;
		}
	}

	/** Sends the scripts the agent lacks, then has the run granted. */
	async #send(ws: WebSocket, run_id: number, epoch: number, scripts: Script[]): Promise<Told> {
		const stream = this.#uplink.stream(run_id);
		const { project_id } = this.#slots.of(run_id, epoch) ?? { project_id: 0 };
		const missing = await sendScripts(ws, this.env.STORE, project_id, scripts);
		return missing ? stream.unsendable(this.#id, epoch, missing) : stream.sent(this.#id, epoch);
	}

	#heartbeat(ws: WebSocket, runs: { run_id: number; epoch: number }[], host: HostReport | null) {
		const desired = (run_id: number, epoch: number) => this.#slots.of(run_id, epoch)?.desired ?? 'drop';
		tell(ws, { type: 'lease', runs: runs.map((r) => ({ ...r, desired: desired(r.run_id, r.epoch) })) });
		const now = Date.now();
		if (!host || now < (this.#kept.get('host_kept_at') ?? 0) + HOST_EVERY_MS) return;
		this.#kept.put('host_kept_at', now);
		this.#later(hostReported(systemCtx(this.env, this.ctx), this.#id, host));
	}

	// ——— inside ———

	/** The socket that speaks for the agent. */
	#agent(): { ws: WebSocket; socket: Extract<AgentSocket, { stage: 'in' }> } | null {
		for (const ws of this.ctx.getWebSockets()) {
			const socket = socketOf(ws);
			if (socket?.stage === 'in' && ws.readyState === WebSocket.OPEN) return { ws, socket };
		}
		return null;
	}

	/** Frees a slot where the stream says that the run has left it, or never was in it. */
	#let(run_id: number, epoch: number, { free, answer }: Told) {
		if (free || answer === 'drop') this.#free(run_id, epoch);
	}

	#free(run_id: number, epoch: number) {
		if (!this.#slots.free(run_id, epoch)) return;
		this.#uplink.forget(run_id);
		this.#tellRooms();
	}

	#tellRooms() {
		for (const project_id of this.#slots.takeWaiting())
			this.#later(this.env.PROJECT_ROOM.getByName(String(project_id)).dispatch());
	}

	/** It is none of the agent's runs, or an epoch that is over: nothing of it counts. */
	#drop(ws: WebSocket, run_id: number, epoch: number) {
		tell(ws, { type: 'lease', runs: [{ run_id, epoch, desired: 'drop' }] });
	}

	/** Frames that cost the hub something are counted; chunks have a window of their own. */
	#flooded(ws: WebSocket): boolean {
		const bucket = this.#buckets.get(ws) ?? new TokenBucket(400, 100, Date.now());
		this.#buckets.set(ws, bucket);
		if (bucket.take(Date.now())) return false;
		ws.close(Close.tooFast, 'too many frames');
		return true;
	}

	/** Something here failed: the agent connects anew and everything is settled at its hello. */
	#fault(ws: WebSocket, error: unknown) {
		console.error(`the link of agent ${String(this.#id)}:`, error);
		ws.close(Close.fault, 'fault here: connect anew');
	}

	#later(work: Promise<unknown>) {
		this.ctx.waitUntil(
			work.catch((error: unknown) => {
				console.error(`agent ${String(this.#id)}:`, error);
			}),
		);
	}

	/** Sets the alarm where it would ring too late. One that rings too early costs less than setting it anew. */
	#arm() {
		const next = this.#timers.next();
		if (next === this.#alarmAt || (next !== null && this.#alarmAt && this.#alarmAt <= next)) return;
		this.#alarmAt = next;
		this.#later(next === null ? this.ctx.storage.deleteAlarm() : this.ctx.storage.setAlarm(next));
	}
}
