import { and, asc, eq, type SQL, sql } from 'drizzle-orm';
import { recurringState } from '#domain/freeze-times.ts';
import type { Frozen, Known, Lane, Queue } from '#domain/queue.ts';
import { agents, inQueue, lane, projects, rank, runs } from '../../db/client.ts';
import { bound, literal } from '../../db/planned.ts';
import type { Ctx } from '../context.ts';
import { freezesFrom } from '../freezes/in-force.ts';
import { type Dispatch, dispatchesOf, dispatchQueries } from './spec.ts';

/** The most runs of a lane that are looked at at once; those behind them come when these are gone. */
const HEAD = 25;
const LANES_MAX = 200;
const COUNTED = 50;
const AGENTS_MAX = 1000;

/**
 * What could start in a project now, and who could take it; with it some of the runs in full: those that have just come, and those
 * that nobody approved, or nobody could start, in time.
 */
export async function loadQueue(
	ctx: Ctx,
	project_id: number,
	known: Known,
	asked: readonly number[],
): Promise<Queue & { asked: Map<number, Dispatch> }> {
	const mayStart = sql`(not_before is null or not_before <= ${ctx.now()})
		and (concurrency_key is null or concurrency_key not in ${list(known.keys.map((k) => k.key))})`;
	const over = (until: SQL) => sql`select id from (select id from runs where project_id = ${bound(project_id)}
		and status = 'queued' and ${until} <= ${ctx.now()} limit ${literal(HEAD)})`;
	const expired = sql`${over(sql`approvals_missing > 0 and approval_expires_at`)} union all ${over(sql`start_before`)}`;
	const [project, freezes, heads, online, holders, ...rest] = await ctx.db.batch([
		...queueQueries(ctx, project_id, known, mayStart),
		...dispatchQueries(ctx, asked, expired),
	]);
	return { ...queueOf(ctx, [project, freezes, heads, online, holders]), asked: await dispatchesOf(ctx, rest) };
}

/** The same of all that waits, whether or not it could start; and when the first pause, or time to approve or to start one, is over. */
export async function loadWaiting(
	ctx: Ctx,
	project_id: number,
	known: Known,
): Promise<Queue & { next: string | null }> {
	const [project, freezes, heads, online, holders, [ends]] = await ctx.db.batch([
		...queueQueries(ctx, project_id, known, sql`true`),
		ctx.db
			.select({
				pause: sql<number | null>`min(${runs.not_before})`,
				expiry: sql<number | null>`(select min(approval_expires_at) from runs where project_id = ${bound(project_id)}
					and status = 'queued' and approvals_missing > 0)`,
				start: sql<number | null>`(select min(start_before) from runs where project_id = ${bound(project_id)}
					and status = 'queued')`,
			})
			.from(runs)
			.where(and(eq(runs.project_id, project_id), inQueue, sql`${runs.not_before} > ${ctx.now()}`)),
	]);
	const next = Math.min(ends?.pause ?? Infinity, ends?.expiry ?? Infinity, ends?.start ?? Infinity);
	return {
		...queueOf(ctx, [project, freezes, heads, online, holders]),
		next: next === Infinity ? null : new Date(next).toISOString(),
	};
}

function queueQueries(ctx: Ctx, project_id: number, { placed, keys }: Known, also: SQL) {
	const now = new Date(ctx.now()).toISOString();
	// From the head of one lane to that of the next: what stands behind the heads costs nothing.
	const first = (after: SQL) =>
		sql`select min(${lane}) from runs where project_id = ${bound(project_id)} and ${inQueue} ${after}`;
	const heads = sql`(with recursive lanes(name) as (${first(sql``)} union all
			select (${first(sql`and ${lane} > lanes.name`)}) from lanes where lanes.name is not null limit ${literal(LANES_MAX)})
		select head.id from lanes cross join runs head on head.id in (
			select id from runs where project_id = ${bound(project_id)} and ${inQueue} and ${lane} = lanes.name
				and id not in ${list(placed)} and ${also}
			order by ${rank}, requested_at, id limit ${literal(HEAD)}))`;
	return [
		ctx.db
			.select({
				status: projects.status,
				queued: sql<number>`(select count(*) from (select 1 from runs where project_id = ${bound(project_id)} and status = 'queued'
					and id not in ${list(placed)} limit ${literal(COUNTED)}))`,
			})
			.from(projects)
			.where(eq(projects.id, project_id)),
		freezesFrom(ctx, project_id, now),
		ctx.db
			.select({
				run_id: runs.id,
				name: sql<string>`${lane}`,
				environment_id: runs.environment_id,
				by_hub: sql<number>`case when backend in ('webhook', 'serverless') then ${byHub} else 0 end`,
				only_agent: sql<number | null>`(select agent_id from terraform_plans where terraform_plans.id = runs.plan_id)`,
				breaks: sql<number>`${runs.break_freeze} is not null`,
				backend: runs.backend,
				labels: runs.labels,
				concurrency_key: runs.concurrency_key,
				not_before: runs.not_before,
				reason: runs.reason,
			})
			.from(runs)
			.where(sql`${runs.id} in ${heads}`)
			.orderBy(rank, asc(runs.requested_at), asc(runs.id)),
		ctx.db
			.select({
				id: agents.id,
				name: agents.name,
				labels: agents.labels,
				abilities: agents.abilities,
				draining: agents.draining,
			})
			.from(agents)
			.where(
				and(
					eq(agents.status, 'online'),
					sql`(${agents.project_ids} is null or exists (select 1 from json_each(${agents.project_ids}) where value = ${project_id}))`,
				),
			)
			.orderBy(asc(agents.id))
			.limit(AGENTS_MAX),
		ctx.db
			.select({ run_id: runs.id, status: runs.status })
			.from(runs)
			.where(sql`${runs.id} in ${list(keys.map((k) => k.run_id))}`),
	] as const;
}

type Rows<Q extends readonly { _: { result: unknown } }[]> = { [K in keyof Q]: Q[K]['_']['result'] };

function queueOf(ctx: Ctx, [[project], freezes, heads, online, holders]: Rows<ReturnType<typeof queueQueries>>): Queue {
	const now = new Date(ctx.now()).toISOString();
	const lanes = new Map<string, Lane>();
	return {
		project_status: project?.status ?? 'archived',
		queued: project?.queued ?? 0,
		waiting: heads.map(({ name, environment_id, breaks, backend, labels, by_hub, only_agent, ...run }) => {
			// Whose configuration counts may be each job's own.
			const of = `${name} ${String(by_hub)}`;
			const lane = lanes.get(of) ?? {
				name: of,
				backend,
				labels,
				by_hub: by_hub === 1,
				only_agent,
				frozen: breaks ? null : frozenAt(freezes, environment_id, now),
				more: heads.filter((other) => other.name === name).length === HEAD,
			};
			lanes.set(of, lane);
			return { ...run, lane };
		}),
		agents: online.map(({ abilities, ...agent }) => ({ ...agent, backends: abilities?.backends ?? [] })),
		holders,
	};
}

/** Whether the hub sends a request itself: as whoever chose the backend says, the environment, the project or the job. */
const byHub = sql`coalesce((select json_extract(case
		when environments.execution_backend is not null then environments.execution_backend_config
		when projects.execution_backend is not null then projects.execution_backend_config
		else jobs.execution_backend_config end, '$.via')
	from jobs join projects on projects.id = jobs.project_id left join environments on environments.id = runs.environment_id
	where jobs.id = runs.job_id), 'hub') <> 'agent'`;

/** Values as one parameter: there may be more of them than D1 binds. */
const list = (values: Iterable<number | string>) => sql`(select value from json_each(${JSON.stringify([...values])}))`;

function frozenAt(
	freezes: Parameters<typeof recurringState>[0],
	environment_id: number | null,
	now: string,
): Frozen | null {
	const { open, reason, next_transition } = recurringState(freezes, environment_id, now);
	return open ? null : { until: next_transition, why: reason ?? '' };
}
