import type { Frame } from '#protocol/run-frames.ts';
import { type ArtifactPart, artifactText, parseRecord } from '#protocol/run-record.ts';
import type { Storage } from './storage.ts';

/** More than a run of terraform makes; what is beyond it is passed over. */
const ARTIFACTS_MAX = 20;
const PARTS_MAX = 200;

/** What a run made, gathered from the records in its log until it is written down. Parts follow each other; one that does not begins nothing. */
export class Artifacts {
	readonly #storage: Storage;

	constructor(storage: Storage) {
		this.#storage = storage;
		storage.sql.exec(
			'create table if not exists artifact_parts (n integer not null, part integer not null, record text not null, primary key (n, part))',
		);
		storage.sql.exec(
			'create table if not exists artifacts (n integer primary key autoincrement, parts integer not null, got integer not null)',
		);
	}

	/** True where this record is the last part of one. */
	take(frame: Frame): boolean {
		const record = parseRecord(frame.payload);
		if (record?.type !== 'artifact' || record.parts > PARTS_MAX || record.part > record.parts) return false;
		const { sql } = this.#storage;
		let [last] = sql
			.exec<{ n: number; parts: number; got: number }>('select n, parts, got from artifacts order by n desc limit 1')
			.toArray();
		if (record.part === 1) {
			if ((last?.n ?? 0) >= ARTIFACTS_MAX) return false;
			const n = (last?.n ?? 0) + 1;
			sql.exec('insert into artifacts (n, parts, got) values (?, ?, 0)', n, record.parts);
			last = { n, parts: record.parts, got: 0 };
		}
		if (last?.parts !== record.parts || last.got !== record.part - 1) return false;
		sql.exec(
			'insert into artifact_parts (n, part, record) values (?, ?, ?)',
			last.n,
			record.part,
			JSON.stringify(record),
		);
		sql.exec('update artifacts set got = ? where n = ?', record.part, last.n);
		return record.part === record.parts;
	}

	/** The oldest that is whole and not yet written down; null: there is none. A text of null: it is none after all. */
	next(): { n: number; text: string | null } | null {
		const { sql } = this.#storage;
		const [whole] = sql
			.exec<{ n: number }>(
				'select n from artifacts where got = parts and exists (select 1 from artifact_parts p where p.n = artifacts.n) order by n limit 1',
			)
			.toArray();
		if (!whole) return null;
		const records = sql
			.exec<{ record: string }>('select record from artifact_parts where n = ? order by part', whole.n)
			.toArray()
			.map(({ record }) => JSON.parse(record) as ArtifactPart);
		return { n: whole.n, text: artifactText(records) };
	}

	/** It is written down. */
	done(n: number): void {
		this.#storage.sql.exec('delete from artifact_parts where n = ?', n);
	}
}
