import { applyD1Migrations, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { hubRoom } from '#worker/live.ts';

let files = 0;

/** Forgets everything: rows, objects, what is stored. Numbers begin with one. */
export async function emptyHub(): Promise<void> {
	// `reset()` forgets what is awake, and nothing else.
	await Promise.all([
		env.DB.exec('select 1'),
		env.STORE.head('any'),
		runInDurableObject(hubRoom(env), (_room, { storage }) => storage.sql.databaseSize),
	]);
	await reset();
	await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
}

/**
 * The same for the next file of tests, and numbers go on from the files before: an object that slept is as it was, and one that
 * was at work when it was deleted keeps the alarms of the next one of its name from ringing.
 */
export async function emptyHubOfFile(): Promise<void> {
	await emptyHub();
	await env.DB.prepare("insert into sqlite_sequence (name, seq) values ('projects', ?1), ('runs', ?1), ('agents', ?1)")
		.bind(++files * 10_000)
		.run();
}
