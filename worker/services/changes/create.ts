import { eq, sql } from 'drizzle-orm';
import type { GitChange, GitChangeCreate } from '#domain/repo.ts';
import { git_changes, git_repos } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { assertVerdict } from './verdict.ts';
import { assertReferences, stillThere, strayReference } from '../same-project.ts';

/** A change of a repository, told by hand or by a program. One repository has each of them once. */
export async function createChange(ctx: Ctx, repo_id: number, input: GitChangeCreate): Promise<GitChange> {
	const refs = { job_id: input.job_id, incident_id: input.incident_id };
	assertVerdict(input);
	const { actor, project, rows } = await enter(ctx, 'change.create', ofRow('repository', repo_id), [
		ctx.db.select({ project_id: git_repos.project_id }).from(git_repos).where(eq(git_repos.id, repo_id)),
		strayReference(ctx, sql`(select project_id from git_repos where id = ${repo_id})`, refs),
	]);
	const { project_id } = one(rows[0], 'repository');
	assertWritable(project);
	assertReferences(rows[1]);
	const [made] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillThere(project_id, { repo_id, ...refs })],
		statements: [
			ctx.db
				.insert(git_changes)
				.values({ ...input, repo_id, project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'change.create',
				object_type: 'GitChange',
				object_id: lastInserted('git_changes'),
				project_id,
				metadata: { repo_id, ...input },
			},
		],
	});
	const row = one(made, 'change');
	ctx.after(ctx.live.changed([{ project_id, entity: 'change', id: row.id, row }]));
	return row;
}
