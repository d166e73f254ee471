import type { Storage } from './storage.ts';

/** Many named moments over the one alarm an object has. They are kept in its storage, so they outlive it. */
export class Timers {
	readonly #storage: Storage;
	readonly #at = new Map<string, number>();

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec('create table if not exists timers (name text primary key, at integer not null)');
		for (const { name, at } of storage.sql.exec<{ name: string; at: number }>('select name, at from timers').toArray())
			this.#at.set(name, at);
	}

	/** `at` in milliseconds UTC; null takes the timer away. */
	set(name: string, at: number | null): void {
		if ((this.#at.get(name) ?? null) === at) return;
		if (at === null) {
			this.#at.delete(name);
			this.#storage.sql.exec('delete from timers where name = ?', name);
		} else {
			this.#at.set(name, at);
			this.#storage.sql.exec('insert or replace into timers (name, at) values (?, ?)', name, at);
		}
	}

	at(name: string): number | null {
		return this.#at.get(name) ?? null;
	}

	/** When the alarm has to ring next. */
	next(): number | null {
		return this.#at.size === 0 ? null : Math.min(...this.#at.values());
	}

	/** The names whose moment has come, earliest first; each is taken away before its work is done, which may set it anew. */
	take(now: number): string[] {
		const due = [...this.#at].filter(([, at]) => at <= now).sort(([, a], [, b]) => a - b);
		for (const [name] of due) this.set(name, null);
		return due.map(([name]) => name);
	}
}
