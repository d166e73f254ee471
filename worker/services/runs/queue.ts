import { and, asc, eq, sql } from 'drizzle-orm';
import { type Labels, Priority } from '#domain/job.ts';
import type { ProjectStatus } from '#domain/project.ts';
import type { Reason } from '#domain/run.ts';
import { agents, jobs, projects, runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { type Dispatch, dispatchOf, dispatchQueries } from './spec.ts';

/** The most waiting runs of a project that are looked at at once; those behind them wait for their turn. */
const QUEUE_MAX = 200;
const AGENTS_MAX = 1000;

export interface Queue {
	project_status: ProjectStatus;
	/** The queued runs, in the order in which they are to start. */
	waiting: { run_id: number; labels: Labels; backend: string; reason: Reason | null }[];
	/** The agents that are online and serve the project. */
	agents: { id: number; name: string; labels: Labels; backends: string[] }[];
	/** The run that was asked for, ready to be offered; null where it does not wait, or none was asked for. */
	asked: Dispatch | null;
}

/** `low` 0 to `critical` 3, as the domain orders them. */
const rank = sql.join(
	[sql`case ${jobs.priority}`, ...Priority.options.map((priority, i) => sql`when ${priority} then ${i}`), sql`end`],
	sql` `,
);

/** What waits in a project and who could take it, in one round trip; with it one run in full, as there mostly is but one. */
export async function loadQueue(ctx: Ctx, project_id: number, asked: number | null): Promise<Queue> {
	const [[project], waiting, online, ...rest] = await ctx.db.batch([
		ctx.db.select({ status: projects.status }).from(projects).where(eq(projects.id, project_id)),
		ctx.db
			.select({ run_id: runs.id, labels: jobs.labels, backend: runs.backend, reason: runs.reason })
			.from(runs)
			.innerJoin(jobs, eq(jobs.id, runs.job_id))
			.where(and(eq(runs.project_id, project_id), eq(runs.status, 'queued')))
			.orderBy(sql`${rank} desc`, asc(runs.requested_at), asc(runs.id))
			.limit(QUEUE_MAX),
		ctx.db
			.select({ id: agents.id, name: agents.name, labels: agents.labels, abilities: agents.abilities })
			.from(agents)
			.where(
				and(
					eq(agents.status, 'online'),
					sql`(${agents.project_ids} is null or exists (select 1 from json_each(${agents.project_ids}) where value = ${project_id}))`,
				),
			)
			.orderBy(asc(agents.id))
			.limit(AGENTS_MAX),
		...dispatchQueries(ctx, asked ?? 0),
	]);
	return {
		project_status: project?.status ?? 'archived',
		waiting,
		agents: online.map(({ abilities, ...agent }) => ({ ...agent, backends: abilities?.backends ?? [] })),
		asked: dispatchOf(rest),
	};
}
