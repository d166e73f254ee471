import type { HostReport } from '#domain/agent.ts';
import { Id } from '#domain/common.ts';
import type { Reason } from '#domain/run-reason.ts';
import { z } from 'zod';
import { type KnownRun, type ToAgent } from '#protocol/agent.ts';
import { RunSpec } from '#protocol/run-spec.ts';
import { BadFrame, decodeBlob } from '#protocol/run-frames.ts';
import { checkPolicy } from './policy/index.ts';
import { wrongIn } from './request.ts';
import type { Agent, HeldRun } from './held-run.ts';
import { Run } from './run.ts';
import { signatureRefusal } from './signatures.ts';

/** More than any capacity: finished runs whose end the hub has not acknowledged count too. */
const HELD_MAX = 1000;

type Message<T extends ToAgent['type']> = Extract<ToAgent, { type: T }>;
type At = { run_id: number; epoch: number };

/** What the hub says, turned into what the runs do. It has no socket: the link gives it messages and takes what the runs say. */
export class Worker {
	readonly #agent: Agent;
	readonly #capacity: number;
	readonly #host: () => Promise<HostReport>;
	readonly #runs = new Map<number, HeldRun>();
	#connected = false;
	#stopping = false;
	#heartbeat: NodeJS.Timeout | null = null;
	#partition: NodeJS.Timeout | null = null;
	#onAway: () => void = () => undefined;

	constructor(agent: Agent, options: { capacity: number; host: () => Promise<HostReport>; past: readonly HeldRun[] }) {
		this.#agent = agent;
		this.#capacity = options.capacity;
		this.#host = options.host;
		for (const run of options.past) this.#hold(run);
	}

	/** What a hello names. */
	known(): KnownRun[] {
		return [...this.#runs.values()].map((run) => run.known());
	}

	/** The runs that take up capacity. */
	active(): number {
		return [...this.#runs.values()].filter((run) => run.active).length;
	}

	message(message: ToAgent): void {
		switch (message.type) {
			case 'welcome':
				this.#welcome(message);
				return;
			case 'offer':
				this.#offer(message);
				return;
			case 'grant':
				this.#held(message)?.grant();
				return;
			case 'withdraw': {
				const run = this.#held(message);
				if (run?.known().phase === 'accepted') run.drop();
				return;
			}
			case 'ack':
				this.#held(message)?.ack(message.seq);
				return;
			case 'cancel':
				this.#held(message)?.stop('canceled');
				return;
			case 'finished':
				this.#held(message)?.finished();
				return;
			case 'lease':
				for (const run of message.runs) {
					if (run.desired === 'cancel') this.#held(run)?.stop('canceled');
					if (run.desired === 'drop') this.#held(run)?.drop();
				}
				return;
			case 'ping':
				this.#agent.send({ type: 'pong', nonce: message.nonce });
				return;
			// Answered before it comes to the runs.
			case 'mail':
			case 'challenge':
				return;
		}
	}

	/** A binary frame: part of a script. */
	blob(bytes: Uint8Array): void {
		try {
			this.#agent.scripts.blob(decodeBlob(bytes));
		} catch (error) {
			if (!(error instanceof BadFrame)) throw error;
			this.#agent.log('the hub sent a binary frame that is no part of a script');
		}
	}

	disconnected(): void {
		this.#connected = false;
		this.#onAway();
		if (this.#heartbeat) clearInterval(this.#heartbeat);
		this.#heartbeat = null;
		for (const run of this.#runs.values()) run.pause();
		const { partition } = this.#agent.policy;
		this.#partition ??= setTimeout(() => {
			for (const run of this.#runs.values())
				if (partition.mode === 'stop' || (run instanceof Run && run.spec.on_partition === 'stop'))
					run.stop('partition');
		}, partition.after_s * 1000);
	}

	/**
	 * Takes nothing new, stops what runs, and waits until the hub has every end, or is away: then the journal has it. `within_ms` at most.
	 */
	async stop(within_ms: number): Promise<void> {
		this.#stopping = true;
		const runs = [...this.#runs.values()];
		for (const run of runs) if (run.active) run.stop('agent_stopped');
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, within_ms)));
		await Promise.race([Promise.all(runs.map((run) => run.over)), late]);
		const away = new Promise<void>((resolve) => (this.#onAway = resolve));
		if (this.#connected) await Promise.race([Promise.all(runs.map((run) => run.gone)), away, late]);
		for (const each of [timer, this.#heartbeat, this.#partition]) if (each) clearTimeout(each);
	}

	#welcome(message: Message<'welcome'>): void {
		if (this.#partition) clearTimeout(this.#partition);
		this.#partition = null;
		const named = new Set<number>();
		for (const { action, next_seq, ...at } of message.runs) {
			const run = this.#held(at);
			if (!run) continue;
			named.add(at.run_id);
			if (action === 'drop') run.drop();
			else if (action === 'done') this.#done(run);
			else run.resume(next_seq);
			if (action === 'grant') run.grant();
			if (action === 'cancel') run.stop('canceled');
		}
		if (this.#connected) return;
		this.#connected = true;
		for (const run of this.#runs.values())
			if (!named.has(run.run_id)) this.#agent.log(`run ${String(run.run_id)}: the hub said nothing about it`);
		void this.#beat();
		if (this.#heartbeat) clearInterval(this.#heartbeat);
		this.#heartbeat = setInterval(() => void this.#beat(), message.heartbeat_s * 1000);
	}

	/** The hub has a final state already: nothing of the run is of use any more. */
	#done(run: HeldRun): void {
		if (run.active) run.drop();
		else run.finished();
	}

	async #beat(): Promise<void> {
		const host = await this.#host().catch(() => null);
		if (!this.#connected) return;
		const runs = [...this.#runs.values()].map(({ run_id, epoch }) => ({ run_id, epoch }));
		this.#agent.send({ type: 'heartbeat', runs, host });
	}

	#offer({ epoch, spec }: Message<'offer'>): void {
		const parsed = RunSpec.safeParse(spec);
		const run_id = parsed.success ? parsed.data.run_id : idOf(spec);
		if (run_id === null) return;
		const refuse = (reason: Reason) => {
			this.#agent.log(`run ${String(run_id)}: refused: ${reason.message}`);
			this.#agent.send({ type: 'refuse', run_id, epoch, reason });
		};
		const badRequest = (message: string) => {
			refuse({ code: 'bad_request', message: message.slice(0, 500) });
		};
		const before = this.#runs.get(run_id);
		if (before && before.epoch >= epoch) {
			// The same offer again, or an older one that was overtaken: the answer was given.
			if (before.epoch > epoch) badRequest('The offer is older than one already answered.');
			return;
		}
		if (before && before.known().phase === 'started') {
			badRequest('The agent is running this run under an earlier offer.');
			return;
		}
		if (!parsed.success) {
			badRequest(`The agent does not understand the request: ${z.prettifyError(parsed.error)}`);
			return;
		}
		const wrong = wrongIn(spec, parsed.data);
		if (wrong !== null) {
			badRequest(wrong);
			return;
		}
		const { policy, hub, ledger, now } = this.#agent;
		const reason =
			checkPolicy(parsed.data, policy) ?? signatureRefusal(parsed.data, policy.signatures, hub, ledger, now());
		if (reason) {
			refuse(reason);
			return;
		}
		if (this.#stopping) {
			refuse({ code: 'agent_stopped', message: 'The agent is stopping.' });
			return;
		}
		if (this.active() >= this.#capacity || this.#runs.size >= HELD_MAX) {
			refuse({ code: 'agents_busy', message: `The agent runs ${String(this.#capacity)} at a time, and is full.` });
			return;
		}
		before?.drop();
		const run = new Run(parsed.data, epoch, this.#agent);
		this.#hold(run);
		void run.accept();
	}

	#hold(run: HeldRun): void {
		this.#runs.set(run.run_id, run);
		void run.gone.then(() => {
			if (this.#runs.get(run.run_id) === run) this.#runs.delete(run.run_id);
		});
	}

	/** The run meant, if it is held under this very epoch: what carries another one is void. */
	#held({ run_id, epoch }: At): HeldRun | undefined {
		const run = this.#runs.get(run_id);
		return run?.epoch === epoch ? run : undefined;
	}
}

/** The run an offer is about, if that much of it can be read. */
const idOf = (spec: unknown): number | null => z.looseObject({ run_id: Id }).safeParse(spec).data?.run_id ?? null;
