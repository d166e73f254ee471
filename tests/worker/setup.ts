// Before each file: an empty hub, whatever those before it left.
import { applyD1Migrations, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

await reset();
await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);

// Ids that no file before had: an object that is still busy with what one left is never this file's.
const { results } = await env.DB.prepare(
	"select name from sqlite_master where type = 'table' and sql like '%autoincrement%'",
).all<{ name: string }>();
const first = Math.floor(Date.now() / 10) % 1_000_000_000;
await env.DB.batch(
	results.flatMap(({ name }) => [
		env.DB.prepare('delete from sqlite_sequence where name = ?').bind(name),
		env.DB.prepare('insert into sqlite_sequence (name, seq) values (?, ?)').bind(name, first),
	]),
);
