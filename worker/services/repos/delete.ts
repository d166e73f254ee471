import { eq, sql } from 'drizzle-orm';
import { git_repos } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertNothingHangs, hangingOn } from '../hanging.ts';

/** Removes a repository that nothing comes from. */
export async function deleteRepo(ctx: Ctx, id: number, version: number): Promise<void> {
	const { counts, none } = hangingOn(git_repos, id);
	const { actor, project, rows } = await enter(ctx, 'repo.delete', ofRow('repository', id), [
		ctx.db.select().from(git_repos).where(eq(git_repos.id, id)),
		ctx.db.select({ counts }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'repository');
	await assertFresh(ctx, 'GitRepo', before, version);
	assertWritable(project);
	assertNothingHangs('repository', rows[1][0]?.counts, 'Remove them first.');

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(git_repos, before), none],
		statements: [ctx.db.delete(git_repos).where(eq(git_repos.id, id))],
		audit: [
			{
				action: 'repo.delete',
				object_type: 'GitRepo',
				object_id: id,
				project_id,
				metadata: { name: before.name, url: before.url },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id, entity: 'repo', id, row: null }]));
}
