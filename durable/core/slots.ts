import type { Storage } from './storage.ts';

/** A run an agent was offered or has, and what it should be doing. */
export interface Slot {
	run_id: number;
	epoch: number;
	project_id: number;
	desired: 'run' | 'cancel';
}

/** Which runs hold a slot of the agent, and which projects wait for one to be free: the truth about its capacity. */
export class Slots {
	readonly #storage: Storage;
	readonly #held = new Map<number, Slot>();

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec(
			'create table if not exists slots (run_id integer primary key, epoch integer not null, project_id integer not null, desired text not null)',
		);
		storage.sql.exec('create table if not exists waiting (project_id integer primary key)');
		for (const row of storage.sql
			.exec<{ run_id: number; epoch: number; project_id: number; desired: string }>('select * from slots')
			.toArray())
			this.#held.set(row.run_id, { ...row, desired: row.desired === 'cancel' ? 'cancel' : 'run' });
	}

	get held(): Slot[] {
		return [...this.#held.values()];
	}

	/** The slot of a run, where this very epoch holds it. */
	of(run_id: number, epoch: number): Slot | null {
		const slot = this.#held.get(run_id);
		return slot?.epoch === epoch ? slot : null;
	}

	/** False where another run would be one too many. */
	room(run_id: number, capacity: number): boolean {
		return this.#held.has(run_id) || this.#held.size < capacity;
	}

	hold(slot: Slot): void {
		this.#held.set(slot.run_id, slot);
		this.#storage.sql.exec(
			'insert or replace into slots (run_id, epoch, project_id, desired) values (?, ?, ?, ?)',
			slot.run_id,
			slot.epoch,
			slot.project_id,
			slot.desired,
		);
	}

	/** True where it was held. */
	free(run_id: number, epoch: number): boolean {
		if (!this.of(run_id, epoch)) return false;
		this.#held.delete(run_id);
		this.#storage.sql.exec('delete from slots where run_id = ?', run_id);
		return true;
	}

	/** The project has a run that found no slot. */
	wait(project_id: number): void {
		this.#storage.sql.exec('insert or ignore into waiting (project_id) values (?)', project_id);
	}

	/** The projects that waited, to be told that a slot is free; they wait anew if they find none. */
	takeWaiting(): number[] {
		return this.#storage.sql
			.exec<{ project_id: number }>('delete from waiting returning project_id')
			.toArray()
			.map(({ project_id }) => project_id);
	}
}
