// The local hub's entry: the very Worker that is deployed, and beside it what only the launcher may ask for, over a unix
// socket in the data directory. A deploy uses index.ts and has none of this.
import { WorkerEntrypoint } from 'cloudflare:workers';
import { issueLocalEnrolment, seedDemo } from './seed/index.ts';
import { allowedNetworks } from './outside.ts';
import { mailSettings } from './services/mails/settings.ts';
import { signInSettings } from './services/oidc/settings.ts';

export * from './index.ts';
export { default } from './index.ts';

interface Migration {
	name: string;
	statements: string[];
}

/** Applies what is new, each migration whole or not at all, in wrangler's own table so that both agree what was done. */
async function migrate(db: D1Database, migrations: Migration[]): Promise<string[]> {
	await db.exec(
		'CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)',
	);
	await db.exec('CREATE TABLE IF NOT EXISTS local_marks (name TEXT PRIMARY KEY, done INTEGER NOT NULL)');
	const { results } = await db.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
	const known = new Set(results.map(({ name }) => name));
	const fresh = migrations.filter(({ name }) => !known.has(name));
	for (const { name, statements } of fresh) {
		await db.batch([
			...statements.map((statement) => db.prepare(statement)),
			db.prepare('INSERT INTO d1_migrations (name) VALUES (?)').bind(name),
		]);
	}
	return fresh.map(({ name }) => name);
}

/** The launcher's own note of how far the demo came, in a table of its own: production has no such thing. */
async function demoIs(db: D1Database, done: boolean): Promise<void> {
	await db
		.prepare("INSERT INTO local_marks VALUES ('demo', ?1) ON CONFLICT (name) DO UPDATE SET done = max(done, ?1)")
		.bind(Number(done))
		.run();
}

async function state(db: D1Database): Promise<{ users: number; demo: 'none' | 'begun' | 'done' }> {
	const users = await db.prepare('SELECT count(*) AS n FROM users').first<{ n: number }>();
	const mark = await db.prepare("SELECT done FROM local_marks WHERE name = 'demo'").first<{ done: number }>();
	return { users: users?.n ?? 0, demo: mark === null ? 'none' : mark.done ? 'done' : 'begun' };
}

export class LocalControl extends WorkerEntrypoint<Env> {
	override async fetch(request: Request): Promise<Response> {
		const { env } = this;
		try {
			switch (`${request.method} ${new URL(request.url).pathname}`) {
				case 'POST /migrate':
					return Response.json({ applied: await migrate(env.DB, await request.json<Migration[]>()) });
				case 'POST /seed':
					await demoIs(env.DB, false);
					await seedDemo(env, await request.json<{ password: string }>());
					await demoIs(env.DB, true);
					return Response.json({});
				case 'POST /enrol':
					return Response.json(await issueLocalEnrolment(env));
				case 'GET /settings': {
					const mail = mailSettings(env, env.UHUB_PUBLIC_URL ?? null, allowedNetworks(env));
					return Response.json({ problems: [...signInSettings(env).problems, ...mail.problems] });
				}
				case 'GET /state':
					return Response.json(await state(env.DB));
				default:
					return new Response('no such thing', { status: 404 });
			}
		} catch (error) {
			// The reader is the person who starts the hub, so the reason is theirs to see.
			return new Response(error instanceof Error ? error.message : String(error), { status: 500 });
		}
	}
}
