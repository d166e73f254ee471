import type { Change, Entity } from '#protocol/browser.ts';
import type { Storage } from './storage.ts';

/** How many changes a page may have missed and still be brought up to date by them. */
export const CHANGES_KEPT = 1000;
/** Where more has changed than this, a page that loads anew has less to read. */
const REPLAYED_MAX = 100;
/** How much longer than its own age a page may have had what it shows: the way there, and clocks that are read one after the other. */
const SLACK_MS = 2_000;

/** The latest changes of a project's rows, numbered, for the pages that are open and those that come back. */
export class Changes {
	readonly #storage: Storage;
	#seq: number;

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec(
			'create table if not exists changes (seq integer primary key autoincrement, entity text not null, row_id integer not null, body text not null)',
		);
		const columns = storage.sql.exec<{ name: string }>("select name from pragma_table_info('changes')").toArray();
		if (!columns.some(({ name }) => name === 'at'))
			storage.sql.exec('alter table changes add column at integer not null default 0');
		const [latest] = storage.sql.exec<{ seq: number | null }>('select max(seq) seq from changes').toArray();
		this.#seq = latest?.seq ?? 0;
	}

	/** The number of the latest change; 0 before the first. */
	get seq(): number {
		return this.#seq;
	}

	/** `now`: when they became visible here, in milliseconds. */
	add(changes: readonly { entity: Entity; id: number; row: object | null }[], now: number): Change[] {
		const added = changes.map(({ entity, id, row }): Change => {
			const [{ seq } = { seq: 0 }] = this.#storage.sql
				.exec<{ seq: number }>(
					'insert into changes (entity, row_id, body, at) values (?, ?, ?, ?) returning seq',
					entity,
					id,
					JSON.stringify(row),
					now,
				)
				.toArray();
			this.#seq = seq;
			return { seq, entity, id, row: row === null ? null : { ...row } };
		});
		// Now and then, not at each: half as much again may lie about.
		if (this.#seq % (CHANGES_KEPT / 2) < added.length)
			this.#storage.sql.exec('delete from changes where seq <= ?', this.#seq - CHANGES_KEPT);
		return added;
	}

	/** What came since a page loaded what it shows, `age` ms ago; null when that is too long ago, or too much. */
	sinceLoaded(age: number, now: number): Change[] | null {
		const from = now - age - SLACK_MS;
		const [before] = this.#storage.sql
			.exec<{ seq: number }>('select seq from changes where at < ? order by seq desc limit 1', from)
			.toArray();
		const seq = before?.seq ?? 0;
		return this.#seq - seq > REPLAYED_MAX ? null : this.since(seq);
	}

	/** What came after `seq`; null when that is too long ago, or never was. */
	since(seq: number): Change[] | null {
		if (seq > this.#seq || seq < this.#seq - CHANGES_KEPT) return null;
		return this.#storage.sql
			.exec<{ seq: number; entity: Entity; row_id: number; body: string }>(
				'select seq, entity, row_id, body from changes where seq > ? order by seq',
				seq,
			)
			.toArray()
			.map(({ row_id, body, ...change }) => ({
				...change,
				id: row_id,
				row: JSON.parse(body) as Change['row'],
			}));
	}
}
