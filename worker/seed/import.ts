import { and, eq, isNotNull, isNull, lte } from 'drizzle-orm';
import { runs } from '#worker/db/client.ts';
import type { Ctx } from '#worker/services/context.ts';
import { demoJobs } from './jobs.ts';
import { pastRuns } from './past.ts';

const EXCERPT_CHARS = 2000;
const excerpt = (text: string) => (text === '' ? null : text.slice(-EXCERPT_CHARS));

/** Hands the logs of the demo's past to their runs' streams, where that was not done yet. `seeded_at`: when the rows were made. */
export async function importPast(env: Env, ctx: Ctx, seeded_at: string): Promise<void> {
	const past = pastRuns(demoJobs, Date.parse(seeded_at));
	const missing = await ctx.db
		.select({ id: runs.id })
		.from(runs)
		.where(and(isNull(runs.log_path), isNotNull(runs.started_at), lte(runs.id, past.length)));
	const logs = missing.flatMap(({ id }) => {
		const run = past[id - 1];
		return run ? [{ id, log: run.log }] : [];
	});
	await Promise.all(logs.map(({ id, log }) => env.RUN_STREAM.getByName(String(id)).importFinished(log.frames)));

	const [first, ...rest] = logs.map(({ id, log }) =>
		ctx.db
			.update(runs)
			.set({
				log_path: `runs/${String(id)}`,
				log_bytes: log.bytes,
				log_lines: log.lines,
				stdout_excerpt: excerpt(log.stdout),
				stderr_excerpt: excerpt(log.stderr),
			})
			.where(eq(runs.id, id)),
	);
	if (first) await ctx.db.batch([first, ...rest]);
}
