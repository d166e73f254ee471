import { eq } from 'drizzle-orm';
import { notFound } from '#domain/errors.ts';
import type { ScriptRef } from '#domain/script.ts';
import { script_refs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readScript(ctx: Ctx, id: number): Promise<ScriptRef> {
	const { rows } = await enter(ctx, 'script.read', ofRow('script', id), [
		ctx.db.select().from(script_refs).where(eq(script_refs.id, id)),
	]);
	return one(rows[0], 'script');
}

/** The bytes of an uploaded script. */
export async function readContent(ctx: Ctx, id: number): Promise<{ script: ScriptRef; bytes: Uint8Array }> {
	const script = await readScript(ctx, id);
	const bytes = script.location_type === 'uploaded' ? await ctx.store.get(script.location) : null;
	if (bytes === null) throw notFound('content here: the script lies elsewhere');
	return { script, bytes };
}
