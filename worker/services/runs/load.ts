import { eq } from 'drizzle-orm';
import type { Run } from '#domain/run.ts';
import { runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** A run's row as the record has it, for its stream; null when there is none. Nobody's permission is asked. */
export async function loadRun(ctx: Ctx, id: number): Promise<Run | null> {
	const [run] = await ctx.db.select().from(runs).where(eq(runs.id, id));
	return run ?? null;
}
