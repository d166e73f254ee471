import { eq } from 'drizzle-orm';
import type { Run } from '#domain/run.ts';
import { runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readRun(ctx: Ctx, id: number): Promise<Run> {
	const { rows } = await enter(ctx, 'run.read', ofRow('run', id), [ctx.db.select().from(runs).where(eq(runs.id, id))]);
	return one(rows[0], 'run');
}

/** Whoever may read the run may read its log; the row itself, which is long, is not needed for that. */
export async function enterLog(ctx: Ctx, id: number): Promise<void> {
	await enter(ctx, 'run.read', ofRow('run', id), []);
}
