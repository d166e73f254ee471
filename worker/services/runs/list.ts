import { and, eq, getTableColumns, inArray } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type RunItem, RunStatus } from '#domain/run.ts';
import { jobs, runs } from '../../db/client.ts';
import { bound } from '../../db/planned.ts';
import { type TextOf, textOf } from '../../db/row-text.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject, visibleProjects } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { omit } from '../omit.ts';
import { waitsForMe } from './approvals.ts';

const id = z.coerce.number().pipe(Id).optional();

export const RunList = z.strictObject({
	...ListQuery,
	sort: sortBy(['requested_at'], '-requested_at'),
	status: RunStatus.optional(),
	project_id: id,
	job_id: id,
	environment_id: id,
	agent_id: id,
	triggered_by_id: id,
	/** Attempts that followed this run. */
	retry_of: id,
	/** Only those that wait for your approval. */
	needs_my_approval: z.literal('true').optional(),
});

const row = textOf({
	...omit(
		getTableColumns(runs),
		'stdout_excerpt',
		'stderr_excerpt',
		'parameters',
		'secret_parameters',
		'labels',
		'hosts',
		'steps',
		'timings',
	),
	job_title: jobs.title,
});

/** Runs of all projects the person may see, or of one; `q` looks in their jobs' titles. */
export async function listRuns(ctx: Ctx, query: z.infer<typeof RunList>): Promise<TextOf<Page<RunItem>>> {
	const { limit, orderBy, pageText, where } = keyset(query, { requested_at: runs.requested_at }, runs.id);
	const { project_id } = query;
	const by = (['job_id', 'environment_id', 'agent_id', 'triggered_by_id', 'retry_of'] as const).map((name) => {
		const value = query[name];
		return value === undefined ? undefined : eq(runs[name], value);
	});
	const { rows } = await enter(
		ctx,
		'run.list',
		project_id === undefined ? null : inProject(project_id),
		[
			ctx.db
				.select({ row })
				.from(runs)
				.innerJoin(jobs, eq(jobs.id, runs.job_id))
				.where(
					and(
						project_id === undefined
							? inArray(runs.project_id, visibleProjects(ctx))
							: eq(runs.project_id, bound(project_id)),
						where,
						query.status && eq(runs.status, query.status),
						...by,
						query.needs_my_approval && waitsForMe(ctx),
						holds(jobs.title, query.q),
					),
				)
				.orderBy(...orderBy)
				.limit(limit),
		],
		project_id === undefined ? () => ({ access: 'read' }) : undefined,
	);
	return pageText(rows[0]);
}
