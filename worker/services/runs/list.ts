import { and, eq, getTableColumns, gte, inArray, lt } from 'drizzle-orm';
import { z } from 'zod';
import { ExecutionBackend } from '#domain/backend.ts';
import { Id, ListQuery, Time } from '#domain/common.ts';
import { Priority } from '#domain/priority.ts';
import { type RunItem, RunStatus } from '#domain/run.ts';
import { jobs, runs } from '../../db/client.ts';
import { bound } from '../../db/planned.ts';
import { type TextOf, textOf } from '../../db/row-text.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject, visibleProjects } from '../gate.ts';
import { holds, keyset, orEmpty, type Page, ranked, sortBy } from '../list.ts';
import { omit } from '../omit.ts';
import { waitsForMe } from './approvals.ts';

const id = z.coerce.number().pipe(Id).optional();

export const RunList = z.strictObject({
	...ListQuery,
	sort: sortBy(['requested_at', 'started_at', 'duration', 'status'], '-requested_at'),
	status: RunStatus.optional(),
	project_id: id,
	job_id: id,
	environment_id: id,
	agent_id: id,
	triggered_by_id: id,
	backend: ExecutionBackend.optional(),
	priority: Priority.optional(),
	/** 1: the first. */
	attempt: z.coerce.number().int().min(1).max(100).optional(),
	/** Asked for at or after this, and before that. */
	from: Time.optional(),
	to: Time.optional(),
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

const fields = [
	...(['status', 'job_id', 'environment_id', 'agent_id', 'triggered_by_id', 'retry_of'] as const),
	...(['backend', 'priority', 'attempt'] as const),
];

/** Runs of all projects the person may see, or of one; `q` looks in their jobs' titles. */
export async function listRuns(ctx: Ctx, query: z.infer<typeof RunList>): Promise<TextOf<Page<RunItem>>> {
	const { requested_at } = runs;
	const orders = {
		requested_at,
		started_at: orEmpty(runs.started_at),
		duration: orEmpty(runs.duration),
		status: ranked(runs.status, RunStatus.options),
	};
	const { limit, orderBy, pageText, where } = keyset(query, orders, runs.id);
	const { project_id } = query;
	const by = fields.map((name) => {
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
						...by,
						query.from ? gte(requested_at, query.from) : undefined,
						query.to ? lt(requested_at, query.to) : undefined,
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
