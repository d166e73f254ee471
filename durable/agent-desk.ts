import type { Abilities } from '#domain/agent.ts';
import { Close } from '#protocol/close-codes.ts';
import { systemCtx } from '#worker/http/context.ts';
import { agentsChanged } from '#worker/services/agents/seen.ts';
import { Keyed } from './core/keyed.ts';
import { type Slot, Slots } from './core/slots.ts';
import { type Connection, tell } from './core/transport/connection.ts';
import type { Told } from './run-talk.ts';
import { Uplink } from './uplink.ts';

export const HEARTBEAT_S = 15;
export const LEASE_S = 60;
/** Who looks at the fleet is told of slots that were taken and freed together: by then the record has it too. */
const SLOTS_TOLD_MS = 1_000;

interface Kept {
	/** What the hub's people gave the agent, as it was when last read. */
	scope: { project_ids: number[] | null; capacity: number; draining: boolean };
	/** How many runs the agent itself takes at once. */
	own_capacity: number;
	host_kept_at: number;
	/** What the agent said of itself at its latest hello. */
	said: { agent_version: string; abilities: Abilities };
}

/** What the parts of an agent's link share: its slots, what is kept of it, and the way to its runs. */
export class AgentDesk {
	readonly id: number;
	readonly env: Env;
	readonly slots: Slots;
	readonly kept: Keyed<Kept>;
	readonly uplink: Uplink;
	readonly #ctx: DurableObjectState;
	/** The projects that are being told that it is their turn. */
	readonly #told = new Set<number>();
	#slotsTold = true;

	constructor(ctx: DurableObjectState, env: Env) {
		this.#ctx = ctx;
		this.env = env;
		this.id = Number(ctx.id.name);
		this.slots = new Slots(ctx.storage);
		this.kept = new Keyed(ctx.storage);
		this.uplink = new Uplink(this.id, (run_id) => env.RUN_STREAM.getByName(String(run_id)));
	}

	get ctx() {
		return systemCtx(this.env, this.#ctx);
	}

	/** How many runs it may have; none that is new while it drains. */
	get capacity(): number {
		const scope = this.kept.get('scope');
		return !scope || scope.draining ? 0 : Math.min(scope.capacity, this.kept.get('own_capacity') ?? Infinity);
	}

	/** Frees a slot where the stream says that the run has left it, or never was in it. */
	settle(run_id: number, epoch: number, { free, answer }: Told): void {
		if (free || answer === 'drop') this.free(run_id, epoch);
	}

	hold(slot: Slot): void {
		this.slots.hold(slot);
		this.#slotsChanged();
	}

	free(run_id: number, epoch: number): void {
		if (!this.slots.free(run_id, epoch)) return;
		this.#slotsChanged();
		this.uplink.forget(run_id);
		this.tellRooms();
	}

	/** Tells as many projects as there are free slots that it is their turn. Whoever takes none makes way for the next. */
	tellRooms(): void {
		for (const waiting of this.slots.next(this.capacity)) {
			const { project_id } = waiting;
			if (this.#told.has(project_id)) continue;
			this.#told.add(project_id);
			this.later(
				this.env.PROJECT_ROOM.getByName(String(project_id))
					.roomAt(this.id)
					.finally(() => {
						this.#told.delete(project_id);
						this.slots.had(waiting);
						this.tellRooms();
					}),
			);
		}
	}

	/** Remembered until the run is over, and said at every heartbeat. */
	cancel(run_id: number, epoch: number): boolean {
		const slot = this.slots.of(run_id, epoch);
		if (slot && slot.desired !== 'cancel') this.slots.hold({ ...slot, desired: 'cancel' });
		return slot !== null;
	}

	/** It is none of the agent's runs, or an epoch that is over: nothing of it counts. */
	drop(to: Connection, run_id: number, epoch: number): void {
		tell(to, { type: 'lease', runs: [{ run_id, epoch, desired: 'drop' }] });
	}

	/** Something here failed: the agent connects anew and everything is settled at its hello. */
	fault(at: Connection, error: unknown): void {
		console.error(`the link of agent ${String(this.id)}:`, error);
		at.close(Close.fault, 'fault here: connect anew');
	}

	#slotsChanged(): void {
		if (!this.#slotsTold) return;
		this.#slotsTold = false;
		setTimeout(() => {
			this.#slotsTold = true;
			this.later(agentsChanged(this.ctx));
		}, SLOTS_TOLD_MS);
	}

	later(work: Promise<unknown>): void {
		this.#ctx.waitUntil(
			work.catch((error: unknown) => {
				console.error(`agent ${String(this.id)}:`, error);
			}),
		);
	}
}
