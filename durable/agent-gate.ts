import type { AgentRefusal } from '#domain/agent.ts';
import type { FromAgent, KnownRun, ToAgent } from '#protocol/agent.ts';
import { Close } from '#protocol/close-codes.ts';
import { AGENT_PROTOCOL, AGENT_PROTOCOL_MIN } from '#protocol/version.ts';
import { agentRefused, loadAgent, quarantineAgent } from '#worker/services/agents/seen.ts';
import { type AgentDesk, HEARTBEAT_S, LEASE_S } from './agent-desk.ts';
import { newChallenge, signedBy } from './agent-key.ts';
import { type Connection, type Stage, tell } from './core/transport/connection.ts';
import type { Told } from './run-talk.ts';

/** How long a connection may take to prove who it is. */
export const HELLO_MS = 5_000;
/** How long the older of two connections has to show that it is alive. */
const PING_MS = 2_000;
/** Why one was turned away is written down no more often than this: who comes need not be who they say. */
const REFUSED_AGAIN_MS = 60_000;
/** That an agent was heard is kept no more often than this: it says something every few seconds, or very much. */
const HEARD_EVERY_MS = 5_000;
/** Connections that have not proved anything yet. */
const STRANGERS_MAX = 8;

type Hello = Extract<FromAgent, { type: 'hello' }>;
type Verdict = Extract<ToAgent, { type: 'welcome' }>['runs'][number];
/** The connection that speaks for the agent. */
export type Speaker = { connection: Connection; boot_id: string; capacity: number; heard_at: number };

/** Who comes in: the challenge, the proof, one at a time, and what becomes of the runs at a hello. */
export class AgentGate {
	readonly #desk: AgentDesk;
	readonly #all: () => Connection[];
	/** The agent has proved itself: its lease begins. */
	readonly #proved: () => void;
	/** Closes whoever speaks for an agent that may not, or no longer. */
	readonly #shut: () => Promise<void>;
	readonly #pings = new Map<string, () => void>();
	/** When each reason to turn one away was last written down. */
	readonly #refusedAt = new Map<AgentRefusal['code'], number>();

	constructor(desk: AgentDesk, all: () => Connection[], on: { proved: () => void; shut: () => Promise<void> }) {
		this.#desk = desk;
		this.#all = all;
		this.#proved = on.proved;
		this.#shut = on.shut;
	}

	get speaker(): Speaker | null {
		for (const connection of this.#all()) {
			const { stage } = connection;
			if (stage?.stage === 'in' && connection.open)
				return { connection, boot_id: stage.boot_id, capacity: stage.capacity, heard_at: stage.heard_at };
		}
		return null;
	}

	/** Until when the agent may be silent; null where nobody speaks for it. */
	get leaseEnds(): number | null {
		const { speaker } = this;
		return speaker && speaker.heard_at + LEASE_S * 1000;
	}

	/** It said something. That is kept with its connection: the object sleeps beside an agent that is silent, and must not wake to a new lease. */
	heard(from: Connection, stage: Extract<Stage, { stage: 'in' }>): void {
		const now = Date.now();
		if (Math.abs(now - stage.heard_at) >= HEARD_EVERY_MS) from.stage = { ...stage, heard_at: now };
	}

	/** No more of those who have proved nothing. */
	get full(): boolean {
		return this.#all().filter((c) => c.open && c.stage?.stage !== 'in').length >= STRANGERS_MAX;
	}

	/** How a connection begins. */
	stranger(host: string): Extract<Stage, { challenge: string }> {
		return { stage: 'new', challenge: newChallenge(), host, since: Date.now() };
	}

	challenge(to: Connection, { challenge, host }: { challenge: string; host: string }): void {
		tell(to, { type: 'challenge', v: AGENT_PROTOCOL, v_min: AGENT_PROTOCOL_MIN, challenge, host });
	}

	/** Closes those whose time to say hello is over; answers when the next one's will be. */
	closeSilent(now: number): number | null {
		let next: number | null = null;
		for (const connection of this.#all()) {
			const { stage } = connection;
			if (stage?.stage !== 'new' || !connection.open) continue;
			if (now >= stage.since + HELLO_MS) connection.close(Close.notSignedIn, 'no hello came');
			else next = Math.min(next ?? Infinity, stage.since + HELLO_MS);
		}
		return next;
	}

	pong(nonce: string): void {
		this.#pings.get(nonce)?.();
	}

	/** True when the agent is in. */
	async join(from: Connection, stage: Extract<Stage, { challenge: string }>, hello: Hello): Promise<boolean> {
		const { id, ctx, kept } = this.#desk;
		const { boot_id } = hello;
		const refuse = (close: number, code: AgentRefusal['code'], why: string) => {
			from.close(close, why);
			this.#refused(code, why);
			return false;
		};
		if (hello.v < AGENT_PROTOCOL_MIN || hello.v > AGENT_PROTOCOL)
			return refuse(
				Close.notAllowed,
				'protocol',
				`protocol ${String(hello.v)} is not understood here: ${String(AGENT_PROTOCOL_MIN)} to ${String(AGENT_PROTOCOL)} are`,
			);
		const row = await loadAgent(ctx, id);
		const proof = { host: stage.host, agent_id: id, challenge: stage.challenge, boot_id };
		if (!row || hello.agent_id !== id || !(await signedBy(row.public_key, hello.signature, proof)))
			return refuse(Close.notSignedIn, 'signature', 'the signature is not this agent’s');
		if (row.status === 'pending')
			return refuse(Close.notAllowed, 'not_confirmed', 'an admin has to confirm this agent first');
		if (row.status === 'quarantined' || row.status === 'revoked')
			return refuse(Close.notAllowed, row.status, `this agent is ${row.status}`);
		if (!(await this.#takeOver(from, boot_id))) return false;

		kept.put('scope', { project_ids: row.project_ids, capacity: row.capacity, draining: row.draining });
		kept.put('own_capacity', hello.capacity);
		kept.put('said', { agent_version: hello.version, abilities: hello.abilities });
		this.#proved();
		const runs = await this.#reconcile(hello.runs);
		// It may have been closed while the streams were asked.
		if (!from.open) return false;
		from.stage = { stage: 'in', boot_id, capacity: hello.capacity, heard_at: Date.now() };
		tell(from, { type: 'welcome', heartbeat_s: HEARTBEAT_S, lease_s: LEASE_S, runs });
		return true;
	}

	#refused(code: AgentRefusal['code'], message: string): void {
		const now = Date.now();
		if (now - (this.#refusedAt.get(code) ?? -Infinity) < REFUSED_AGAIN_MS) return;
		this.#refusedAt.set(code, now);
		this.#desk.later(agentRefused(this.#desk.ctx, this.#desk.id, { code, message }));
	}

	/** Makes way for a new connection; false where it may not go on, for its key is in use elsewhere. */
	async #takeOver(from: Connection, boot_id: string): Promise<boolean> {
		const old = this.speaker;
		if (!old) return true;
		if (old.boot_id !== boot_id && (await this.#answers(old.connection))) {
			for (const each of [old.connection, from])
				each.close(Close.notAllowed, 'this key is used in two places: quarantined');
			await quarantineAgent(this.#desk.ctx, this.#desk.id, [old.boot_id, boot_id]);
			await this.#shut();
			return false;
		}
		old.connection.stage = { stage: 'proving', challenge: '', host: '', since: 0 };
		old.connection.close(Close.takenOver, 'the agent has connected anew');
		return true;
	}

	async #answers(connection: Connection): Promise<boolean> {
		const nonce = crypto.randomUUID();
		const answered = new Promise<boolean>((done) => {
			this.#pings.set(nonce, () => {
				done(true);
			});
			setTimeout(() => {
				done(false);
			}, PING_MS);
		});
		tell(connection, { type: 'ping', nonce });
		try {
			return await answered;
		} finally {
			this.#pings.delete(nonce);
		}
	}

	/** Asks every run's stream what the agent should do with it: those it names, and those it should have named. */
	async #reconcile(known: KnownRun[]): Promise<Verdict[]> {
		const { id, uplink, slots } = this.#desk;
		uplink.reset();
		const named = new Set(known.map((k) => k.run_id));
		const [answers] = await Promise.all([
			Promise.all(
				known.map(async (k) => {
					const { answer, seq } = await uplink.stream(k.run_id).known(id, k);
					const action = actionOf(answer);
					if (action === 'drop' || action === 'done') this.#desk.free(k.run_id, k.epoch);
					if (action === 'cancel') this.#desk.cancel(k.run_id, k.epoch);
					return { run_id: k.run_id, epoch: k.epoch, action, next_seq: seq + 1 };
				}),
			),
			...slots.held
				.filter(({ run_id }) => !named.has(run_id))
				.map(async ({ run_id, epoch }) => {
					this.#desk.settle(run_id, epoch, await uplink.stream(run_id).unnamed(id));
				}),
		]);
		return answers;
	}
}

/** What a stream answers to what an agent knows, as the welcome tells it. */
const actionOf = (answer: Told['answer']): Verdict['action'] =>
	answer === 'resume' || answer === 'grant' || answer === 'cancel' || answer === 'done' ? answer : 'drop';
