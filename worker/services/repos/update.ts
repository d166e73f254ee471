import { and, eq } from 'drizzle-orm';
import type { GitRepo, GitRepoPatch } from '#domain/repo.ts';
import { git_repos } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import {
	assertFresh,
	assertWritable,
	changesOf,
	defined,
	edited,
	editEntry,
	isEmpty,
	one,
	unchanged,
} from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function updateRepo(ctx: Ctx, id: number, version: number, patch: GitRepoPatch): Promise<GitRepo> {
	const { actor, project, rows } = await enter(ctx, 'repo.update', ofRow('repository', id), [
		ctx.db.select().from(git_repos).where(eq(git_repos.id, id)),
	]);
	const before = one(rows[0], 'repository');
	await assertFresh(ctx, 'GitRepo', before, version);
	assertWritable(project);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const { project_id } = before;
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(git_repos, before)],
		statements: [
			ctx.db
				.update(git_repos)
				.set({ ...defined(patch), ...edited(ctx, before) })
				.where(and(eq(git_repos.id, id), eq(git_repos.version, before.version)))
				.returning(),
		],
		audit: [editEntry('repo.update', 'GitRepo', before, project_id, changes)],
	});
	const row = one(after, 'repository');
	ctx.after(ctx.live.changed([{ project_id, entity: 'repo', id, row }]));
	return row;
}
