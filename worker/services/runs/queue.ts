import { and, asc, eq, sql } from 'drizzle-orm';
import { calendarState } from '#domain/freeze.ts';
import { type Labels, Priority } from '#domain/job.ts';
import type { ProjectStatus } from '#domain/project.ts';
import type { Reason } from '#domain/run-reason.ts';
import { agents, jobs, projects, runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { freezesFrom } from '../freezes/in-force.ts';
import { type Dispatch, dispatchesOf, dispatchQueries } from './spec.ts';

/** The most waiting runs of a project that are looked at at once; those behind them wait for their turn. */
const QUEUE_MAX = 200;
const AGENTS_MAX = 1000;

export interface Queue {
	project_status: ProjectStatus;
	/** The queued runs, in the order in which they are to start. */
	waiting: { run_id: number; labels: Labels; backend: string; reason: Reason | null; frozen: Frozen | null }[];
	/** The agents that are online and serve the project. */
	agents: { id: number; name: string; labels: Labels; backends: string[] }[];
	/** The runs that were asked for and wait, ready to be offered. */
	asked: Map<number, Dispatch>;
}

/** A freeze holds the run back: until when, and in what words. */
export interface Frozen {
	until: string;
	why: string;
}

/** `low` 0 to `critical` 3, as the domain orders them. */
const rank = sql.join(
	[sql`case ${jobs.priority}`, ...Priority.options.map((priority, i) => sql`when ${priority} then ${i}`), sql`end`],
	sql` `,
);

/** Whether a freeze is on for the run. */
const frozenNow = (now: number) =>
	sql`${runs.break_freeze} is null and exists (select 1 from freezes f where (f.project_id is null or f.project_id = ${runs.project_id})
		and f."end" > ${now} and f.start <= ${now} and (f.environment_id is null or f.environment_id = ${runs.environment_id}))`;

/** What waits in a project and who could take it, in one round trip; with it some of the runs in full: those that have just come. */
export async function loadQueue(ctx: Ctx, project_id: number, asked: readonly number[]): Promise<Queue> {
	const now = new Date(ctx.now()).toISOString();
	const [[project], freezes, waiting, online, ...rest] = await ctx.db.batch([
		ctx.db.select({ status: projects.status }).from(projects).where(eq(projects.id, project_id)),
		freezesFrom(ctx, project_id, now),
		ctx.db
			.select({
				run_id: runs.id,
				labels: jobs.labels,
				backend: runs.backend,
				reason: runs.reason,
				environment_id: runs.environment_id,
				break_freeze: runs.break_freeze,
			})
			.from(runs)
			.innerJoin(jobs, eq(jobs.id, runs.job_id))
			.where(and(eq(runs.project_id, project_id), eq(runs.status, 'queued')))
			// What a freeze holds back comes last: however much of it there is, the rest is seen.
			.orderBy(frozenNow(ctx.now()), sql`${rank} desc`, asc(runs.requested_at), asc(runs.id))
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
		...dispatchQueries(ctx, asked),
	]);
	return {
		project_status: project?.status ?? 'archived',
		waiting: waiting.map(({ environment_id, break_freeze, ...run }) => {
			const { open, reason, next_transition } = calendarState(freezes, environment_id, now);
			const frozen = open || break_freeze !== null ? null : { until: next_transition ?? now, why: reason ?? '' };
			return { ...run, frozen };
		}),
		agents: online.map(({ abilities, ...agent }) => ({ ...agent, backends: abilities?.backends ?? [] })),
		asked: dispatchesOf(rest),
	};
}
