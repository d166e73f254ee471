import { eq } from 'drizzle-orm';
import type { Environment } from '#domain/environment.ts';
import { environments } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readEnvironment(ctx: Ctx, id: number): Promise<Environment> {
	const { rows } = await enter(ctx, 'environment.read', ofRow('environment', id), [
		ctx.db.select().from(environments).where(eq(environments.id, id)),
	]);
	return one(rows[0], 'environment');
}
