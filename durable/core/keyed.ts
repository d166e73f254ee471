import type { Storage } from './storage.ts';

/** A few named values of an object, each as JSON, read once and written when they change. */
export class Keyed<Values extends object> {
	readonly #storage: Storage;
	readonly #cache: Partial<Values>;

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec('create table if not exists keyed (name text primary key, value text not null)');
		this.#cache = Object.fromEntries(
			storage.sql
				.exec<{ name: string; value: string }>('select name, value from keyed')
				.toArray()
				.map(({ name, value }): [string, unknown] => [name, JSON.parse(value)]),
		) as Partial<Values>;
	}

	get<K extends keyof Values & string>(name: K): Values[K] | null {
		return this.#cache[name] ?? null;
	}

	put<K extends keyof Values & string>(name: K, value: Values[K]): void {
		this.#cache[name] = value;
		this.#storage.sql.exec('insert or replace into keyed (name, value) values (?, ?)', name, JSON.stringify(value));
	}
}
