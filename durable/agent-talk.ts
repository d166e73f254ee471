import type { HostReport } from '#domain/agent.ts';
import type { Reason } from '#domain/run-reason.ts';
import type { FromAgent } from '#protocol/agent.ts';
import { Close } from '#protocol/close-codes.ts';
import { BadFrame, decodeChunk, runOf } from '#protocol/run-frames.ts';
import { hostReported } from '#worker/services/agents/seen.ts';
import { type AgentDesk, HEARTBEAT_S, LEASE_S } from './agent-desk.ts';
import { TokenBucket } from './core/token-bucket.ts';
import { type Connection, tell } from './core/transport/connection.ts';
import type { Said, Told } from './run-talk.ts';
import { type Script, sendScripts } from './send-scripts.ts';
import type { Passed } from './uplink.ts';

const HOST_EVERY_MS = 60_000;

/** What an agent says once it is in: passed to the streams of its runs, and their answers carried out. */
export class AgentTalk {
	readonly #desk: AgentDesk;
	readonly #buckets = new WeakMap<Connection, TokenBucket>();

	constructor(desk: AgentDesk) {
		this.#desk = desk;
	}

	/** Frames that cost the hub something are counted; chunks have a window of their own. */
	flooded(from: Connection): boolean {
		const bucket = this.#buckets.get(from) ?? new TokenBucket(400, 100, Date.now());
		this.#buckets.set(from, bucket);
		if (bucket.take(Date.now())) return false;
		from.close(Close.tooFast, 'too many frames');
		return true;
	}

	async said(from: Connection, frame: Exclude<FromAgent, { type: 'hello' | 'pong' | 'mailed' }>): Promise<void> {
		const { id, slots, uplink } = this.#desk;
		if (frame.type === 'heartbeat') return this.#heartbeat(from, frame.runs, frame.host);
		const { run_id, epoch } = frame;
		if (!slots.of(run_id, epoch)) return this.#desk.drop(from, run_id, epoch);
		const stream = uplink.stream(run_id);
		switch (frame.type) {
			case 'accept':
				return this.#do(from, run_id, epoch, await stream.accepted(id, epoch, frame.need, frame.callback_sha256));
			case 'refuse':
				return this.#do(from, run_id, epoch, await stream.refused(id, epoch, frame.reason));
			case 'started':
				return this.#pass(from, frame, { type: 'started', at: frame.at });
			case 'finish':
				return this.#pass(from, frame, { type: 'finish', finish: frame });
		}
	}

	chunk(from: Connection, bytes: Uint8Array): void {
		let head: { run_id: number; epoch: number; seq: number };
		try {
			head = decodeChunk(bytes);
		} catch (error) {
			return this.#unreadable(from, bytes, error instanceof BadFrame ? error.message : 'not a chunk');
		}
		const { run_id, epoch, seq } = head;
		if (!this.#desk.slots.of(run_id, epoch))
			return this.flooded(from) ? undefined : this.#desk.drop(from, run_id, epoch);
		if (!this.#desk.uplink.addChunk({ run_id, epoch, seq }, bytes, this.#passed(from))) this.#tooMuch(from);
	}

	#pass(
		from: Connection,
		{ run_id, epoch }: { run_id: number; epoch: number },
		said: Exclude<Said, { type: 'chunk' }>,
	) {
		if (!this.#desk.uplink.add({ run_id, epoch }, said, this.#passed(from))) this.#tooMuch(from);
	}

	#tooMuch(from: Connection) {
		from.close(Close.tooFast, 'more sent than may be unacknowledged');
	}

	/** Fails the run it is of; the agent's other runs have no part in it. Only what names none of its runs ends the connection. */
	#unreadable(from: Connection, bytes: Uint8Array, why: string) {
		if (this.flooded(from)) return;
		const run = runOf(bytes);
		if (!run || !this.#desk.slots.of(run.run_id, run.epoch)) return from.close(Close.badFrame, why);
		this.#pass(from, run, { type: 'damaged', why });
	}

	#passed(from: Connection): Passed {
		const failed = (error: unknown) => {
			this.#desk.fault(from, error);
		};
		return {
			done: ({ run_id, epoch }, told, acked) => {
				if (acked !== null && !told.some(({ answer }) => answer === 'drop'))
					tell(from, { type: 'ack', run_id, epoch, seq: acked });
				for (const each of told) this.#do(from, run_id, epoch, each).catch(failed);
			},
			failed,
		};
	}

	/** Carries out what a stream answered. */
	async #do(to: Connection, run_id: number, epoch: number, told: Told): Promise<void> {
		this.#desk.settle(run_id, epoch, told);
		switch (told.answer) {
			case 'grant':
				return tell(to, { type: 'grant', run_id, epoch });
			case 'cancel':
				this.#desk.cancel(run_id, epoch);
				return tell(to, { type: 'cancel', run_id, epoch });
			case 'drop':
				return this.#desk.drop(to, run_id, epoch);
			case 'done':
			case 'finished':
				this.#desk.free(run_id, epoch);
				return tell(to, { type: 'finished', run_id, epoch });
			case 'resume': {
				// As at a hello, for this one run.
				const runs = [{ run_id, epoch, action: 'resume' as const, next_seq: told.seq + 1 }];
				return tell(to, { type: 'welcome', heartbeat_s: HEARTBEAT_S, lease_s: LEASE_S, runs });
			}
			case 'send': {
				const sent = await this.#send(to, run_id, epoch, told.scripts ?? []);
				return sent ? this.#do(to, run_id, epoch, sent) : undefined;
			}
			case null:
				return;
		}
	}

	/** Sends the scripts the agent lacks, then has the run granted. Null where the store is away: the offer's time runs out, and it is made again. */
	async #send(to: Connection, run_id: number, epoch: number, scripts: Script[]): Promise<Told | null> {
		const { id, env, slots, uplink } = this.#desk;
		const stream = uplink.stream(run_id);
		const { project_id } = slots.of(run_id, epoch) ?? { project_id: 0 };
		let missing: Reason | null;
		try {
			missing = await sendScripts(to, env.STORE, project_id, scripts);
		} catch (error) {
			console.error(`agent ${String(id)}: the scripts of run ${String(run_id)} could not be read:`, error);
			return null;
		}
		return missing ? stream.unsendable(id, epoch, missing) : stream.sent(id, epoch);
	}

	#heartbeat(from: Connection, runs: { run_id: number; epoch: number }[], host: HostReport | null) {
		const { id, slots, kept } = this.#desk;
		const desired = (run_id: number, epoch: number) => slots.of(run_id, epoch)?.desired ?? 'drop';
		tell(from, { type: 'lease', runs: runs.map((r) => ({ ...r, desired: desired(r.run_id, r.epoch) })) });
		const now = Date.now();
		if (!host || now < (kept.get('host_kept_at') ?? 0) + HOST_EVERY_MS) return;
		kept.put('host_kept_at', now);
		this.#desk.later(hostReported(this.#desk.ctx, id, host));
	}
}
