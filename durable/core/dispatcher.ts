import type { Candidate, Known, Lane, Queue, Queued } from '#domain/queue.ts';
import { Keys } from './keys.ts';
import { fitting, hub, HUB_AT_ONCE } from './queue.ts';
import type { Storage } from './storage.ts';

/** How many runs that were placed are remembered; one that was forgotten is offered anew, and its stream says no. */
const PLACED_MAX = 2_000;
/** How many runs are read in full at once. */
const LOAD_MAX = 25;

/** `gone`: the run does not wait (any more), whatever the record says. */
export type Offered = 'offered' | 'full' | 'offline' | 'gone';

/** A run in full. */
interface InFull {
	run: { id: number; not_before: string | null };
}

export interface Ports<Dispatch extends InFull> {
	/** What could start now, and the runs that are asked for in full. */
	load(known: Known, asked: readonly number[]): Promise<Queue & { asked: Map<number, Dispatch> }>;
	/** Runs in full; what does not wait any more is not among them. */
	dispatches(run_ids: readonly number[]): Promise<Map<number, Dispatch>>;
	/** Ends a run that cannot be offered to anybody; false where it can. */
	ended(dispatch: Dispatch): Promise<boolean>;
	offer(dispatch: Dispatch, agent_id: number): Promise<Offered>;
	/** The stream's own word: whether an agent was offered the run or has it. */
	underWay(run_id: number): Promise<boolean>;
}

/**
 * Gives the waiting runs of one project to agents. What waits is in the record; kept is only who holds a concurrency key, and known for
 * the moment what was placed and who is full. Passes never overlap: that, and the key that is written before the offer, makes it one run a key.
 */
export class Dispatcher<Dispatch extends InFull> {
	readonly #ports: Ports<Dispatch>;
	readonly #keys: Keys;
	readonly #placed = new Set<number>();
	/** Agents that had no room, and that will say when they have. */
	readonly #full = new Set<number>();
	/** In which order the agents were last given a run, so that they take turns. */
	readonly #givenAt = new Map<number, number>();
	#given = 0;

	constructor(storage: Storage, ports: Ports<Dispatch>) {
		this.#keys = new Keys(storage);
		this.#ports = ports;
	}

	get known(): Known {
		return { placed: this.#placed, keys: this.#keys.held };
	}

	holder(key: string): number | null {
		return this.#keys.holder(key);
	}

	holdsKey(run_id: number): boolean {
		return this.#keys.held.some((k) => k.run_id === run_id);
	}

	/** The run waits again, or the record knows now that it does not. */
	forget(run_id: number): void {
		this.#placed.delete(run_id);
	}

	/** The agent (null: any of them) may have room again. */
	roomAt(agent_id: number | null): void {
		if (agent_id === null) this.#full.clear();
		else this.#full.delete(agent_id);
	}

	/** Nothing that was heard counts any more: some of it may have been the last message before a restart. */
	forgetAll(): void {
		this.#placed.clear();
		this.#full.clear();
	}

	/** One look at the queue. `again`: there may be more to place at once. `wakes`: when what is held back may go on, as far as was seen. */
	async pass(asked: readonly number[]): Promise<{ again: boolean; left: boolean; wakes: string[] }> {
		const queue = await this.#ports.load(this.known, asked.slice(0, LOAD_MAX));
		let again = await this.#settleKeys(queue.holders);
		const loaded = queue.asked;
		// What cannot be run ends at once, whether or not there is an agent for it.
		for (const [run_id, dispatch] of loaded) if (await this.#ports.ended(dispatch)) this.#remember(run_id);
		const open = new Set(queue.agents.filter((a) => !a.draining && !this.#full.has(a.id)).map((a) => a.id));
		if (this.#hubPlace() !== null) open.add(hub.id);
		const fits = new Map<Lane, Candidate[]>();
		const stuck = new Set<Lane>();
		let gone = 0;
		for (const [n, run] of queue.waiting.entries()) {
			const { lane, run_id } = run;
			const fit = fits.get(lane) ?? fitting(queue.agents, lane);
			fits.set(lane, fit);
			const candidates = fit.filter((a) => open.has(a.id));
			const held = queue.project_status !== 'active' || lane.frozen !== null || candidates.length === 0;
			if (!held && !loaded.has(run_id)) await this.#load(queue.waiting.slice(n, n + LOAD_MAX), loaded);
			if (this.#placed.has(run_id) || (!held && (await this.#place(run, loaded.get(run_id), candidates, open)))) gone++;
			else stuck.add(lane);
		}
		// Behind the head of a lane that is gone there are others.
		for (const { lane } of queue.waiting) if (lane.more && !stuck.has(lane)) again = true;
		const pauses = [...loaded.values()].map(({ run }) => run.not_before);
		const moments = [...pauses, ...queue.waiting.map(({ lane }) => lane.frozen?.until)];
		return { again, left: queue.queued > gone, wakes: moments.flatMap((at) => at ?? []) };
	}

	/** Reads in full those of the runs that are not yet. */
	async #load(runs: readonly Queued[], loaded: Map<number, Dispatch>) {
		const ids = runs.flatMap(({ run_id }) => (loaded.has(run_id) || this.#placed.has(run_id) ? [] : [run_id]));
		for (const [run_id, dispatch] of await this.#ports.dispatches(ids)) loaded.set(run_id, dispatch);
	}

	/** True when the run is out of the queue: an agent has it, or it does not wait any more. Agents that are full leave `open`. */
	async #place(
		{ run_id, concurrency_key: key }: Queued,
		dispatch: Dispatch | undefined,
		fit: Candidate[],
		open: Set<number>,
	): Promise<boolean> {
		if (!dispatch || (await this.#ports.ended(dispatch))) {
			this.#remember(run_id);
			return true;
		}
		if (key !== null && !this.#keys.take(key, run_id)) return false;
		fit.sort((a, b) => (this.#givenAt.get(a.id) ?? 0) - (this.#givenAt.get(b.id) ?? 0));
		for (const agent of fit) {
			const place = agent === hub ? this.#hubPlace() : null;
			if (place !== null) this.#keys.take(place, run_id);
			const sent = await this.#ports.offer(dispatch, agent.id);
			if (sent === 'offered') this.#givenAt.set(agent.id, ++this.#given);
			if (sent === 'offered' || sent === 'gone') {
				this.#remember(run_id);
				if (this.#hubPlace() === null) open.delete(hub.id);
				return true;
			}
			open.delete(agent.id);
			if (sent === 'full') this.#full.add(agent.id);
		}
		this.#keys.free(run_id);
		return false;
	}

	/** A free place for a request of the hub's own, named as no concurrency key can be: they are held and freed alike. */
	#hubPlace(): string | null {
		const places = Array.from({ length: HUB_AT_ONCE }, (_, n) => `the hub ${String(n)}`);
		return places.find((place) => this.#keys.holder(place) === null) ?? null;
	}

	/** Frees the keys of runs that are over, or that went back to the queue. True when one was freed. */
	async #settleKeys(holders: Queue['holders']): Promise<boolean> {
		const status = new Map(holders.map((h) => [h.run_id, h.status]));
		let freed = false;
		for (const { run_id } of this.#keys.held) {
			const is = status.get(run_id);
			if (is === 'running') continue;
			// The record may be behind: of a run that it shows as queued only the stream knows.
			if (is === 'queued' && (this.#placed.has(run_id) || (await this.#ports.underWay(run_id)))) continue;
			this.#keys.free(run_id);
			freed = true;
		}
		return freed;
	}

	#remember(run_id: number) {
		this.#placed.add(run_id);
		const [oldest] = this.#placed;
		if (this.#placed.size > PLACED_MAX && oldest !== undefined) this.#placed.delete(oldest);
	}
}
