import { and, asc, eq, sql, type SQL } from 'drizzle-orm';
import { LocalConfig } from '#domain/backend.ts';
import { type Labels, priorityRank } from '#domain/job.ts';
import type { ProjectStatus } from '#domain/project.ts';
import type { Run } from '#domain/run.ts';
import { RunSpec, Step } from '#protocol/agent.ts';
import { agents, environments, job_script_refs, jobs, projects, runs, script_refs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** Seconds between INT, TERM and KILL. */
const GRACE_S = 10;

/** Who could run something in a project now: the agents online in its scope. */
export interface Fleet {
	project_status: ProjectStatus;
	agents: { id: number; name: string; labels: Labels; backends: string[] }[];
}

/** Everything needed to give a queued run to an agent. */
export interface Dispatch {
	run: Run;
	/** 0 `low` to 3 `critical`. */
	priority: number;
	labels: Labels;
	/** Null where what is to run is no longer there. */
	spec: RunSpec | null;
	fleet: Fleet;
}

const onlineIn = (ctx: Ctx, project_id: SQL) =>
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
		.limit(1000);

const fleetOf = (
	project: { status: ProjectStatus } | undefined,
	online: Awaited<ReturnType<typeof onlineIn>>,
): Fleet => ({
	project_status: project?.status ?? 'archived',
	agents: online.map(({ id, name, labels, abilities }) => ({ id, name, labels, backends: abilities?.backends ?? [] })),
});

export async function loadFleet(ctx: Ctx, project_id: number): Promise<Fleet> {
	const [[project], online] = await ctx.db.batch([
		ctx.db.select({ status: projects.status }).from(projects).where(eq(projects.id, project_id)),
		onlineIn(ctx, sql`${project_id}`),
	]);
	return fleetOf(project, online);
}

/** Loads a run for its dispatch, in one round trip. Null when it is not queued (any more). */
export async function loadDispatch(ctx: Ctx, run_id: number): Promise<Dispatch | null> {
	const job_id = sql`(select job_id from runs where id = ${run_id})`;
	const project_id = sql`(select project_id from runs where id = ${run_id})`;
	const [[run], [job], [project], [environment], scripts, online] = await ctx.db.batch([
		ctx.db
			.select()
			.from(runs)
			.where(and(eq(runs.id, run_id), eq(runs.status, 'queued'))),
		ctx.db.select().from(jobs).where(eq(jobs.id, job_id)),
		ctx.db.select().from(projects).where(eq(projects.id, project_id)),
		ctx.db
			.select({ name: environments.name })
			.from(environments)
			.where(eq(environments.id, sql`(select environment_id from runs where id = ${run_id})`)),
		ctx.db
			.select({ script: script_refs })
			.from(job_script_refs)
			.innerJoin(script_refs, eq(script_refs.id, job_script_refs.script_id))
			.where(eq(job_script_refs.job_id, job_id))
			.orderBy(asc(job_script_refs.position)),
		onlineIn(ctx, project_id),
	]);
	if (!run || !job || !project) return null;
	const spec = RunSpec.safeParse({
		run_id,
		job_id: job.id,
		project_id: project.id,
		project: project.name,
		environment: environment?.name ?? null,
		title: job.title,
		execution: { backend: 'local', config: LocalConfig.parse(project.execution_backend_config ?? {}) },
		steps: scripts.map(({ script }) => stepOf(script)),
		parameters: run.parameters,
		secrets: {},
		timeout_s: job.timeout_s,
		grace_s: GRACE_S,
		on_partition: 'continue',
	});
	return {
		run,
		priority: priorityRank(job.priority),
		labels: job.labels,
		spec: spec.success ? spec.data : null,
		fleet: fleetOf(project, online),
	};
}

function stepOf(script: typeof script_refs.$inferSelect): Step | null {
	const { name, tool, vault_secret_ref: secret } = script;
	const step =
		script.location_type === 'uploaded'
			? { location_type: 'uploaded', name, tool, secret, sha256: script.sha256, size: script.size }
			: { location_type: script.location_type, name, tool, secret, path: script.location };
	return Step.safeParse(step).data ?? null;
}
