import { eq } from 'drizzle-orm';
import type { GitRepo } from '#domain/repo.ts';
import { git_repos } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readRepo(ctx: Ctx, id: number): Promise<GitRepo> {
	const { rows } = await enter(ctx, 'repo.read', ofRow('repository', id), [
		ctx.db.select().from(git_repos).where(eq(git_repos.id, id)),
	]);
	return one(rows[0], 'repository');
}
