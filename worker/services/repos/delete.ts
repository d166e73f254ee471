import { eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { git_repos } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, assertWritable, one, unchanged } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

/** Removes a repository that nothing comes from. */
export async function deleteRepo(ctx: Ctx, id: number, version: number): Promise<void> {
	const hangs = sql<string | null>`(case
		when exists (select 1 from git_changes where repo_id = ${id}) then 'changes'
		when exists (select 1 from script_refs where repo_id = ${id}) then 'scripts'
		when exists (select 1 from inventories where repo_id = ${id}) then 'inventories'
		when exists (select 1 from terraform_plans where repo_id = ${id}) then 'plans' end)`;
	const { actor, project, rows } = await enter(ctx, 'repo.delete', ofRow('repository', id), [
		ctx.db.select().from(git_repos).where(eq(git_repos.id, id)),
		ctx.db.select({ hangs }).from(sql`(select 1)`),
	]);
	const before = one(rows[0], 'repository');
	await assertFresh(ctx, 'GitRepo', before, version);
	assertWritable(project);
	const [found] = rows[1];
	if (found?.hangs) throw conflict(`There are ${found.hangs} of this repository: remove them first.`);

	const { project_id } = before;
	await commit(ctx, actor, {
		expect: [unchanged(git_repos, before), sql`${hangs} is null`],
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
