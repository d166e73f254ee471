// The database of a hub, as it lies on the disk.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Its files, and what was not yet merged into them. */
export function databaseFiles(dataDir: string): string[] {
	const dir = path.join(dataDir, 'd1');
	return readdirSync(dir, { recursive: true, encoding: 'utf8' })
		.filter((name) => /\.sqlite(-wal)?$/.test(name) && !name.includes('metadata'))
		.map((name) => path.join(dir, name));
}

/** Does something to the database of a hub that was killed, as soon as its runtime has noticed. */
export function inDatabase<R>(dataDir: string, work: (db: DatabaseSync) => R): R {
	const file = databaseFiles(dataDir).find((name) => name.endsWith('.sqlite')) ?? '';
	const db = new DatabaseSync(file, { timeout: 60_000 });
	try {
		return work(db);
	} finally {
		db.close();
	}
}
