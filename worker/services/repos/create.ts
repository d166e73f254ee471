import type { GitRepo, GitRepoCreate } from '#domain/repo.ts';
import { git_repos } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';

export async function createRepo(ctx: Ctx, project_id: number, input: GitRepoCreate): Promise<GitRepo> {
	const { actor, project } = await enter(ctx, 'repo.create', inProject(project_id), []);
	assertWritable(project);
	const [made] = await commit(ctx, actor, {
		expect: [writable(project_id)],
		statements: [
			ctx.db
				.insert(git_repos)
				.values({ ...input, project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'repo.create',
				object_type: 'GitRepo',
				object_id: lastInserted('git_repos'),
				project_id,
				metadata: { ...input },
			},
		],
	});
	const row = one(made, 'repository');
	ctx.after(ctx.live.changed([{ project_id, entity: 'repo', id: row.id, row }]));
	return row;
}
