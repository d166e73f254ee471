import { eq } from 'drizzle-orm';
import type { GitChange } from '#domain/repo.ts';
import { git_changes } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readChange(ctx: Ctx, id: number): Promise<GitChange> {
	const { rows } = await enter(ctx, 'change.read', ofRow('change', id), [
		ctx.db.select().from(git_changes).where(eq(git_changes.id, id)),
	]);
	return one(rows[0], 'change');
}
