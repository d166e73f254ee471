import { and, eq, or } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { GitProvider, type GitRepo } from '#domain/repo.ts';
import { git_repos } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const RepoList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at', 'updated_at'], 'name'),
	provider: GitProvider.optional(),
});

export async function listRepos(ctx: Ctx, project_id: number, query: z.infer<typeof RepoList>): Promise<Page<GitRepo>> {
	const { name, created_at, updated_at } = git_repos;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at, updated_at }, git_repos.id);
	const { rows } = await enter(ctx, 'repo.list', inProject(project_id), [
		ctx.db
			.select()
			.from(git_repos)
			.where(
				and(
					eq(git_repos.project_id, project_id),
					where,
					query.provider && eq(git_repos.provider, query.provider),
					or(holds(git_repos.name, query.q), holds(git_repos.url, query.q)),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
