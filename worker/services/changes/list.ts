import { and, eq, or } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { ChangeType, type GitChange } from '#domain/repo.ts';
import { git_changes } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject, ofRow } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const ChangeList = z.strictObject({
	...ListQuery,
	sort: sortBy(['created_at', 'updated_at'], '-created_at'),
	change_type: ChangeType.optional(),
	repo_id: z.coerce.number().pipe(Id).optional(),
	job_id: z.coerce.number().pipe(Id).optional(),
	incident_id: z.coerce.number().pipe(Id).optional(),
});

/** Whose changes: a project's, a repository's, a job's. */
export type ChangesOf = { project_id: number } | { repo_id: number } | { job_id: number };

export async function listChanges(
	ctx: Ctx,
	of: ChangesOf,
	query: z.infer<typeof ChangeList>,
): Promise<Page<GitChange>> {
	const { created_at, updated_at } = git_changes;
	const { limit, orderBy, page, where } = keyset(query, { created_at, updated_at }, git_changes.id);
	const [scope, mine] =
		'project_id' in of
			? [inProject(of.project_id), eq(git_changes.project_id, of.project_id)]
			: 'repo_id' in of
				? [ofRow('repository', of.repo_id), eq(git_changes.repo_id, of.repo_id)]
				: [ofRow('job', of.job_id), eq(git_changes.job_id, of.job_id)];
	const { rows } = await enter(ctx, 'change.list', scope, [
		ctx.db
			.select()
			.from(git_changes)
			.where(
				and(
					mine,
					where,
					query.change_type && eq(git_changes.change_type, query.change_type),
					query.repo_id ? eq(git_changes.repo_id, query.repo_id) : undefined,
					query.incident_id ? eq(git_changes.incident_id, query.incident_id) : undefined,
					query.job_id ? eq(git_changes.job_id, query.job_id) : undefined,
					or(
						holds(git_changes.title, query.q),
						holds(git_changes.external_id, query.q),
						holds(git_changes.author, query.q),
						holds(git_changes.branch, query.q),
					),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
