import type { Storage } from './storage.ts';

/** A run an agent was offered or has, and what it should be doing. */
export interface Slot {
	run_id: number;
	epoch: number;
	project_id: number;
	desired: 'run' | 'cancel';
}

/** A project's place in the line. */
interface Waiting {
	place: number;
	project_id: number;
}

/**
 * Which runs hold a slot of the agent, and which projects wait for one to be free: the truth about its capacity. The projects stand in
 * line, and who was given a slot stands at its end again: a project with much to do does not keep the others from the agent.
 */
export class Slots {
	readonly #storage: Storage;
	readonly #held = new Map<number, Slot>();

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec(
			'create table if not exists slots (run_id integer primary key, epoch integer not null, project_id integer not null, desired text not null)',
		);
		storage.sql.exec(
			'create table if not exists line (place integer primary key autoincrement, project_id integer not null unique)',
		);
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

	/** False where another run would be one too many, or the free slots are for projects that have waited for longer. */
	room(run: { run_id: number; project_id: number }, capacity: number): boolean {
		if (this.#held.has(run.run_id)) return true;
		const line = this.#line();
		const place = line.findIndex((w) => w.project_id === run.project_id);
		return this.#held.size + (place === -1 ? line.length : place) < capacity;
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
		this.#storage.sql.exec('delete from line where project_id = ?', slot.project_id);
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
		this.#storage.sql.exec('insert or ignore into line (project_id) values (?)', project_id);
	}

	/** Those whose turn it is, as far as slots are free. */
	next(capacity: number): Waiting[] {
		return this.#line().slice(0, Math.max(0, capacity - this.#held.size));
	}

	/** It was told, and has taken what it wanted. What it still wants after that has a later place. */
	had({ place }: Waiting): void {
		this.#storage.sql.exec('delete from line where place = ?', place);
	}

	#line(): Waiting[] {
		return this.#storage.sql.exec<{ place: number; project_id: number }>('select * from line order by place').toArray();
	}
}
