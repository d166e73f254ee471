import { and, asc, eq, sql } from 'drizzle-orm';
import { executionOf } from '#domain/backend.ts';
import type { Run } from '#domain/run.ts';
import { RunSpec, Step } from '#protocol/agent.ts';
import { environments, job_script_refs, jobs, projects, runs, script_refs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** Seconds between INT, TERM and KILL. */
const GRACE_S = 10;

/** A queued run, and what an agent has to know to carry it out; null where that is no longer there. */
export interface Dispatch {
	run: Run;
	spec: RunSpec | null;
}

/** The queries a dispatch is made of, for a batch of the caller's. */
export const dispatchQueries = (ctx: Ctx, run_id: number) => {
	const of = (column: 'job_id' | 'project_id' | 'environment_id') =>
		sql`(select ${sql.identifier(column)} from runs where id = ${run_id})`;
	return [
		ctx.db
			.select()
			.from(runs)
			.where(and(eq(runs.id, run_id), eq(runs.status, 'queued'))),
		ctx.db
			.select()
			.from(jobs)
			.where(eq(jobs.id, of('job_id'))),
		ctx.db
			.select()
			.from(projects)
			.where(eq(projects.id, of('project_id'))),
		ctx.db
			.select()
			.from(environments)
			.where(eq(environments.id, of('environment_id'))),
		ctx.db
			.select({ script: script_refs })
			.from(job_script_refs)
			.innerJoin(script_refs, eq(script_refs.id, job_script_refs.script_id))
			.where(eq(job_script_refs.job_id, of('job_id')))
			.orderBy(asc(job_script_refs.position)),
	] as const;
};

type Rows<Q extends readonly { _: { result: unknown } }[]> = { [K in keyof Q]: Q[K]['_']['result'] };

/** Null when the run is not queued (any more). */
export function dispatchOf([[run], [job], [project], [environment], scripts]: Rows<
	ReturnType<typeof dispatchQueries>
>): Dispatch | null {
	if (!run || !job || !project) return null;
	const { execution_backend, execution_backend_config } = executionOf(project, environment);
	const spec = RunSpec.safeParse({
		run_id: run.id,
		job_id: job.id,
		project_id: project.id,
		project: project.name,
		environment: environment?.name ?? null,
		title: job.title,
		execution: { backend: execution_backend ?? 'local', config: execution_backend_config ?? {} },
		steps: scripts.map(({ script }) => stepOf(script)),
		parameters: run.parameters,
		secrets: {},
		timeout_s: job.timeout_s,
		grace_s: GRACE_S,
		on_partition: 'continue',
	});
	return { run, spec: spec.data ?? null };
}

/** Loads a run for its dispatch, in one round trip. */
export const loadDispatch = async (ctx: Ctx, run_id: number): Promise<Dispatch | null> =>
	dispatchOf(await ctx.db.batch(dispatchQueries(ctx, run_id)));

function stepOf(script: typeof script_refs.$inferSelect): Step | null {
	const { name, tool, vault_secret_ref: secret } = script;
	const step =
		script.location_type === 'uploaded'
			? { location_type: 'uploaded', name, tool, secret, sha256: script.sha256, size: script.size }
			: { location_type: script.location_type, name, tool, secret, path: script.location };
	return Step.safeParse(step).data ?? null;
}
