import type { Storage } from './storage.ts';

/** What is decided here and still has to be written down elsewhere: numbered, in order, kept until the other side has it. */
export class Outbox<Entry> {
	readonly #storage: Storage;

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec('create table if not exists outbox (seq integer primary key autoincrement, entry text not null)');
	}

	put(entry: Entry): void {
		this.#storage.sql.exec('insert into outbox (entry) values (?)', JSON.stringify(entry));
	}

	/** The oldest entries, at most `limit`. */
	pending(limit = 100): { seq: number; entry: Entry }[] {
		return this.#storage.sql
			.exec<{ seq: number; entry: string }>('select seq, entry from outbox order by seq limit ?', limit)
			.toArray()
			.map(({ seq, entry }) => ({ seq, entry: JSON.parse(entry) as Entry }));
	}

	/** Everything up to `seq` is written down. */
	done(seq: number): void {
		this.#storage.sql.exec('delete from outbox where seq <= ?', seq);
	}
}

/** How long to wait before the next attempt, after `failures` in a row: from 0.2 s, doubling, to 30 s. */
export const backoff = (failures: number): number => Math.min(30_000, 200 * 2 ** Math.min(failures - 1, 10));
