import type { Storage } from './storage.ts';

/** Which run holds each concurrency key of a project, and each place for the hub's own requests. Written before the run is offered, so that no second one gets the key after a restart. */
export class Keys {
	readonly #storage: Storage;
	readonly #holders = new Map<string, number>();

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec('create table if not exists held_keys (key text primary key, run_id integer not null)');
		for (const { key, run_id } of storage.sql
			.exec<{ key: string; run_id: number }>('select key, run_id from held_keys')
			.toArray())
			this.#holders.set(key, run_id);
	}

	get held(): { key: string; run_id: number }[] {
		return [...this.#holders].map(([key, run_id]) => ({ key, run_id }));
	}

	holder(key: string): number | null {
		return this.#holders.get(key) ?? null;
	}

	/** False where another run holds it. */
	take(key: string, run_id: number): boolean {
		const holder = this.holder(key);
		if (holder !== null) return holder === run_id;
		this.#holders.set(key, run_id);
		this.#storage.sql.exec('insert into held_keys (key, run_id) values (?, ?)', key, run_id);
		return true;
	}

	/** The run is over, or waits again. */
	free(run_id: number): void {
		for (const [key, holder] of this.#holders) if (holder === run_id) this.#holders.delete(key);
		this.#storage.sql.exec('delete from held_keys where run_id = ?', run_id);
	}
}
