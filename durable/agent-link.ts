import { DurableObject } from 'cloudflare:workers';
import { utf8Length } from '#domain/bytes.ts';
import type { Mailed } from '#domain/mail.ts';
import { FromAgent } from '#protocol/agent.ts';
import type { MailRequest } from '#protocol/mail-request.ts';
import { type RunSpec } from '#protocol/run-spec.ts';
import { Close, FRAME_MAX } from '#protocol/close-codes.ts';
import { agentOffline, agentOnline, loadAgent } from '#worker/services/agents/seen.ts';
import { sweepRuns } from '#worker/services/runs/sweep.ts';
import { AgentDesk, LEASE_S } from './agent-desk.ts';
import { AgentGate, HELLO_MS } from './agent-gate.ts';
import { newChallenge } from './agent-key.ts';
import { AgentMails } from './agent-mails.ts';
import { AgentSockets } from './agent-sockets.ts';
import { AgentTalk } from './agent-talk.ts';
import { Alarm } from './alarm.ts';
import { type Connection, tell } from './core/transport/connection.ts';
import { type Fetched, Polls, type Refused } from './core/transport/poll.ts';

const ANNOUNCE_AGAIN_MS = 5_000;
const AWAY_AGAIN_MS = 5_000;

/** One agent's connection, and the truth about its slots. A shell: what it decides is in core/ and in the parts beside it. */
export class AgentLink extends DurableObject<Env> {
	readonly #desk: AgentDesk;
	readonly #gate: AgentGate;
	readonly #talk: AgentTalk;
	readonly #sockets: AgentSockets;
	readonly #mails = new AgentMails();
	readonly #polls: Polls;
	readonly #alarm: Alarm;
	/** Coming and going happen one after the other: of two at once, each must see what the other became. */
	#turn: Promise<void> = Promise.resolve();

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		this.#desk = new AgentDesk(ctx, env);
		this.#alarm = new Alarm(ctx.storage, (work) => {
			this.#desk.later(work);
		});
		this.#talk = new AgentTalk(this.#desk);
		this.#sockets = new AgentSockets(ctx);
		this.#polls = new Polls({
			said: (connection, frame) => {
				this.#desk.later(this.#received(connection, frame));
			},
			closed: (connection) => {
				this.#desk.later(this.#closed(connection));
			},
		});
		this.#gate = new AgentGate(this.#desk, () => [...this.#sockets.all, ...this.#polls.all], {
			proved: () => {
				this.#alarm.timers.set('lease', Date.now() + LEASE_S * 1000);
				this.#alarm.arm();
			},
			shut: () => this.refresh(),
		});
	}

	// ——— the streams and the Worker ———

	/** Gives the agent a run to accept or refuse. `full` and `offline` change nothing. */
	offer(o: { run_id: number; epoch: number; project_id: number; spec: RunSpec }): 'offered' | 'full' | 'offline' {
		const { kept, slots } = this.#desk;
		const { speaker } = this.#gate;
		const scope = kept.get('scope');
		if (!speaker || !scope || (scope.project_ids !== null && !scope.project_ids.includes(o.project_id)))
			return 'offline';
		if (scope.draining) return 'offline';
		if (!slots.room(o, this.#desk.capacity)) {
			slots.wait(o.project_id);
			// Where it waits for others it may be that nobody has told them.
			this.#desk.tellRooms();
			return 'full';
		}
		this.#desk.hold({ run_id: o.run_id, epoch: o.epoch, project_id: o.project_id, desired: 'run' });
		tell(speaker.connection, { type: 'offer', epoch: o.epoch, spec: o.spec });
		return 'offered';
	}

	/** The run is not, or no longer, the agent's. */
	withdraw(run_id: number, epoch: number): void {
		const { speaker } = this.#gate;
		if (speaker) tell(speaker.connection, { type: 'withdraw', run_id, epoch });
		this.#desk.free(run_id, epoch);
	}

	/** The run is to be stopped: told now, and at every heartbeat until it is over. */
	cancel(run_id: number, epoch: number): void {
		const { speaker } = this.#gate;
		if (this.#desk.cancel(run_id, epoch) && speaker) tell(speaker.connection, { type: 'cancel', run_id, epoch });
	}

	/** The agent's row was changed by a person: it may no longer speak, or for other projects. */
	async refresh(): Promise<void> {
		const { id, ctx, kept, slots, uplink } = this.#desk;
		const row = await loadAgent(ctx, id);
		if (row) kept.put('scope', { project_ids: row.project_ids, capacity: row.capacity, draining: row.draining });
		if (row && (row.status === 'online' || row.status === 'offline')) {
			this.#desk.tellRooms();
			return;
		}
		for (const each of [...this.#sockets.all, ...this.#polls.all])
			each.close(Close.notAllowed, `this agent is ${row?.status ?? 'unknown'}`);
		for (const { run_id, epoch } of slots.held) {
			const stream = uplink.stream(run_id);
			this.#desk.settle(run_id, epoch, await (row?.status === 'quarantined' ? stream.gone(id) : stream.revoked(id)));
		}
	}

	/** Has the agent pass a mail on; null where it is not here, or does no such thing. */
	async mail(key: string, mail: MailRequest): Promise<Mailed | null> {
		const { speaker } = this.#gate;
		if (!speaker || this.#desk.kept.get('said')?.abilities.tools.smtp === undefined) return null;
		return this.#mails.ask(speaker.connection, key, mail);
	}

	// ——— connections: WebSockets, and requests where those do not get through ———

	override fetch(request: Request): Response {
		const { full } = this.#gate;
		const { 0: client, 1: server } = new WebSocketPair();
		const socket = this.#sockets.accept(server);
		if (full) socket.close(Close.tooFast, 'too many connections that have not said hello');
		else {
			const stranger = this.#gate.stranger(request.headers.get('host') ?? '');
			socket.stage = stranger;
			this.#begin(socket, stranger);
		}
		return new Response(null, { status: 101, webSocket: client });
	}

	override async webSocketMessage(ws: WebSocket, message: string | ArrayBuffer): Promise<void> {
		await this.#received(this.#sockets.of(ws), typeof message === 'string' ? message : new Uint8Array(message));
	}

	override webSocketClose(ws: WebSocket): Promise<void> {
		return this.#closed(this.#sockets.of(ws));
	}

	override webSocketError(ws: WebSocket): Promise<void> {
		return this.webSocketClose(ws);
	}

	/** Begins a connection of requests; each of them names the session. */
	openPolled(host: string): { session: string } | Refused {
		if (this.#gate.full) return { refused: 'too_many', message: 'Too many connections that have not said hello.' };
		const session = newChallenge();
		const stranger = this.#gate.stranger(host);
		const connection = this.#polls.open(session, stranger);
		if ('refused' in connection) return connection;
		this.#begin(connection, stranger);
		return { session };
	}

	/** What there is for the agent; it waits until there is something, or for as long as a proxy may be trusted to wait. */
	async poll(session: string, body: Uint8Array): Promise<Fetched | Refused> {
		const connection = this.#polls.of(session);
		return 'refused' in connection ? connection : connection.poll(body);
	}

	/** What the agent says. */
	take(session: string, body: Uint8Array): Refused | null {
		const connection = this.#polls.of(session);
		return 'refused' in connection ? connection : connection.take(body);
	}

	override async alarm(): Promise<void> {
		const now = Date.now();
		for (const name of this.#alarm.rang(now)) {
			const { speaker, leaseEnds } = this.#gate;
			if (name === 'hello') this.#alarm.timers.set('hello', this.#gate.closeSilent(now));
			else if (name === 'announce') await this.#inTurn(() => this.#announce());
			else if (name === 'away') await this.#inTurn(() => this.#away());
			else if (leaseEnds !== null && now < leaseEnds) this.#alarm.timers.set('lease', leaseEnds);
			else {
				speaker?.connection.close(Close.notSignedIn, 'silent for longer than the lease');
				await this.#inTurn(() => this.#away());
			}
		}
		this.#alarm.arm();
	}

	// ——— inside ———

	#begin(connection: Connection, stranger: { challenge: string; host: string }) {
		this.#gate.challenge(connection, stranger);
		if (this.#alarm.timers.at('hello') === null) this.#alarm.timers.set('hello', Date.now() + HELLO_MS);
		this.#alarm.arm();
	}

	async #received(from: Connection, message: string | Uint8Array): Promise<void> {
		const bytes = typeof message === 'string' ? utf8Length(message) : message.length;
		if (bytes > FRAME_MAX) return from.close(Close.tooLarge, 'a frame is too large');
		const { stage } = from;
		if (typeof message !== 'string') {
			if (stage?.stage !== 'in') return from.close(Close.notSignedIn, 'say hello first');
			this.#gate.heard(from, stage);
			return this.#talk.chunk(from, message);
		}
		if (this.#talk.flooded(from)) return;
		const frame = parse(message);
		if (!frame) return from.close(Close.badFrame, 'not a frame of this protocol');
		try {
			if (stage?.stage === 'new' && frame.type === 'hello') {
				// While this is being looked at nothing else from the connection counts.
				from.stage = { ...stage, stage: 'proving' };
				await this.#inTurn(() => this.#join(from, stage, frame));
			} else if (stage?.stage !== 'in') from.close(Close.notSignedIn, 'say hello first');
			else if (frame.type === 'hello') from.close(Close.badFrame, 'hello was said before');
			else {
				this.#gate.heard(from, stage);
				if (frame.type === 'pong') this.#gate.pong(frame.nonce);
				else if (frame.type === 'mailed') this.#mails.answered(frame);
				else await this.#talk.said(from, frame);
			}
		} catch (error) {
			this.#desk.fault(from, error);
		}
	}

	async #closed(connection: Connection): Promise<void> {
		// One that another took over from was no longer the agent's.
		if (connection.stage?.stage === 'in') await this.#inTurn(() => this.#away());
	}

	#inTurn(work: () => Promise<void>): Promise<void> {
		const done = this.#turn.then(work);
		this.#turn = done.catch(() => undefined);
		return done;
	}

	async #join(...who: Parameters<AgentGate['join']>) {
		if (!(await this.#gate.join(...who))) return;
		this.#desk.later(this.#inTurn(() => this.#announce()));
	}

	/** Has the agent shown as online, and the rooms try what waits. The record may be away; the agent's runs go on meanwhile. */
	async #announce() {
		const { id, ctx, kept } = this.#desk;
		const said = kept.get('said');
		if (!said || !this.#gate.speaker) return;
		try {
			await agentOnline(ctx, id, said);
			this.#desk.tellRooms();
			await sweepRuns(ctx);
		} catch (error) {
			console.error(`agent ${String(id)} could not be announced:`, error);
			this.#alarm.timers.set('announce', Date.now() + ANNOUNCE_AGAIN_MS);
		}
		this.#alarm.arm();
	}

	/** Nobody speaks for the agent any more: what was not granted goes back, the rest is shown as it is. */
	async #away() {
		if (this.#gate.speaker) return;
		const { id, ctx, slots, uplink } = this.#desk;
		const { timers } = this.#alarm;
		timers.set('lease', null);
		// Until all of it is done: the record may be away, or this object end meanwhile.
		timers.set('away', Date.now() + AWAY_AGAIN_MS);
		this.#alarm.arm();
		uplink.reset();
		try {
			await Promise.all(
				slots.held.map(async ({ run_id, epoch }) => {
					this.#desk.settle(run_id, epoch, await uplink.stream(run_id).gone(id));
				}),
			);
			await agentOffline(ctx, id);
			timers.set('away', null);
		} catch (error) {
			console.error(`agent ${String(id)} has gone, and that could not be told:`, error);
		}
		this.#alarm.arm();
	}
}

/** Null where it is no frame of the protocol. */
function parse(message: string): FromAgent | null {
	try {
		return FromAgent.parse(JSON.parse(message));
	} catch {
		return null;
	}
}
