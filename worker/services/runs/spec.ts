import { and, asc, eq, getTableColumns, inArray, sql, type SQL } from 'drizzle-orm';
import { executionOf, isRequest } from '#domain/backend.ts';
import type { Signature } from '#domain/job-signature.ts';
import type { Run } from '#domain/run.ts';
import type { Reason } from '#domain/run-reason.ts';
import { NoTargets } from '#domain/target.ts';
import { RunSpec, Step } from '#protocol/run-spec.ts';
import {
	environments,
	git_repos,
	job_script_refs,
	job_signatures,
	jobs,
	projects,
	runs,
	script_refs,
	terraform_plans,
} from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { clusterOf, clustersQuery, NoCluster } from './clusters.ts';
import { type End, endOf, permitsQuery } from './permit.ts';
import { type Aim, aimOf, targetsQuery } from './targets.ts';

/** Seconds between INT, TERM and KILL. */
const GRACE_S = 10;

/** A queued run as it is to be handed to an agent: what that has to know, or what keeps it from starting. */
export interface Dispatch {
	run: Run;
	/** Null: it ends, or people have not approved it yet. */
	spec: RunSpec | null;
	/** It ends like this instead. */
	end: End | null;
}

/** The queries that dispatches are made of, for a batch of the caller's; `also` selects further runs. */
export const dispatchQueries = (ctx: Ctx, run_ids: readonly number[], also: SQL = sql`select null where false`) => {
	const ids = sql`(select value from json_each(${JSON.stringify(run_ids)}) union all ${also})`;
	const of = (column: 'job_id' | 'project_id' | 'environment_id' | 'plan_id') =>
		sql`(select ${sql.identifier(column)} from runs where id in ${ids})`;
	return [
		ctx.db
			.select()
			.from(runs)
			.where(and(inArray(runs.id, ids), eq(runs.status, 'queued'))),
		ctx.db
			.select()
			.from(jobs)
			.where(inArray(jobs.id, of('job_id'))),
		ctx.db
			.select()
			.from(projects)
			.where(inArray(projects.id, of('project_id'))),
		ctx.db
			.select()
			.from(environments)
			.where(inArray(environments.id, of('environment_id'))),
		scriptsQuery(ctx, of('job_id')),
		plansQuery(ctx, of('plan_id')),
		targetsQuery(ctx, of('job_id')),
		clustersQuery(ctx, of('project_id')),
		permitsQuery(ctx, ids),
		signaturesQuery(ctx, of('job_id')),
	] as const;
};

/** The scripts of jobs, with the repositories they lie in, in their order. */
export const scriptsQuery = (ctx: Ctx, job_ids: SQL) =>
	ctx.db
		.select({
			job_id: job_script_refs.job_id,
			...getTableColumns(script_refs),
			url: sql<string | null>`${git_repos.url}`.as('url'),
			default_branch: sql<string | null>`${git_repos.default_branch}`.as('default_branch'),
			credentials: sql<string | null>`${git_repos.credentials_ref}`.as('credentials'),
		})
		.from(job_script_refs)
		.innerJoin(script_refs, eq(script_refs.id, job_script_refs.script_id))
		.leftJoin(git_repos, eq(git_repos.id, script_refs.repo_id))
		.where(inArray(job_script_refs.job_id, job_ids))
		.orderBy(asc(job_script_refs.job_id), asc(job_script_refs.position));

export const signaturesQuery = (ctx: Ctx, job_ids: SQL) =>
	ctx.db.select().from(job_signatures).where(inArray(job_signatures.job_id, job_ids));

export const plansQuery = (ctx: Ctx, ids: SQL) =>
	ctx.db
		.select({ id: terraform_plans.id, plan_sha256: terraform_plans.plan_sha256 })
		.from(terraform_plans)
		.where(inArray(terraform_plans.id, ids));

type Rows<Q extends readonly { _: { result: unknown } }[]> = { [K in keyof Q]: Q[K]['_']['result'] };

type Loaded = Rows<ReturnType<typeof dispatchQueries>>;

/** What each of these runs would carry out; a run that is not queued (any more) is not among them. */
export const specsOf = ([
	found,
	jobs,
	projects,
	environments,
	scripts,
	plans,
	inventories,
	clusters,
	,
	signatures,
]: Loaded) =>
	new Map(
		found.flatMap((run) => {
			const job = jobs.find(({ id }) => id === run.job_id);
			const project = projects.find(({ id }) => id === run.project_id);
			if (!job || !project) return [];
			const environment = environments.find(({ id }) => id === run.environment_id);
			const plan = plans.find(({ id }) => id === run.plan_id);
			const inventory = inventories.find(({ id }) => id === job.targets?.inventory_id);
			const own = scripts.filter(({ job_id }) => job_id === job.id);
			const signature = signatures.find(
				(one) => one.job_id === job.id && one.environment_id === (run.environment_id ?? 0),
			);
			const made = specOf({ run, job, project, environment, scripts: own, plan, inventory, clusters, signature });
			return [[run.id, { run, environment, scripts: own, made }] as const];
		}),
	);

/** By the run's id; a run that is not queued (any more) is not among them. */
export async function dispatchesOf(ctx: Ctx, loaded: Loaded): Promise<Map<number, Dispatch>> {
	const specs = specsOf(loaded);
	const dispatches = new Map<number, Dispatch>();
	for (const permit of loaded[8]) {
		const known = specs.get(permit.run_id);
		if (!known) continue;
		const { run, made } = known;
		const end = await endOf({ ...known, permit, now: ctx.now() });
		dispatches.set(run.id, { run, spec: end || run.approvals_missing > 0 || 'code' in made ? null : made, end });
	}
	return dispatches;
}

/** What the spec takes of the run itself. */
type Asked = Pick<Run, 'id' | 'backend' | 'plan_id' | 'parameters' | 'secret_parameters' | 'hosts' | 'check_mode'>;

/** What an agent has to know of a run; or why there is nothing (any more) that could run. */
export function specOf({
	run,
	job,
	project,
	environment,
	scripts,
	plan,
	inventory,
	clusters,
	signature,
}: {
	run: Asked;
	job: Loaded[1][number];
	project: Loaded[2][number];
	environment: Loaded[3][number] | undefined;
	scripts: ScriptRow[];
	plan: Loaded[5][number] | undefined;
	inventory: Loaded[6][number] | undefined;
	clusters: Loaded[7];
	signature?: Signature | undefined;
}): RunSpec | Reason {
	// A plan that is gone is never made anew instead of applied.
	if (run.plan_id !== null && !plan?.plan_sha256)
		return { code: 'plan_missing', message: 'The plan that the run was to apply is not there any more.' };
	const execution = executionOf(project, environment, job);
	const aim = aimAgain({ job, execution, tools: scripts.map(({ tool }) => tool), inventory, chosen: run.hosts });
	if ('code' in aim) return aim;
	const cluster = clusterAgain(execution, clusters, project.id, environment?.id ?? null);
	if (cluster && 'code' in cluster) return cluster;
	const spec = RunSpec.safeParse({
		run_id: run.id,
		job_id: job.id,
		project_id: project.id,
		project: project.name,
		environment: environment?.name ?? null,
		title: job.title,
		execution: {
			backend: execution.execution_backend ?? 'local',
			config: { ...execution.execution_backend_config, ...(aim.ssh && { hosts: aim.ssh }), ...cluster },
		},
		steps: scripts.map(stepOf),
		parameters: run.parameters,
		secrets: {},
		timeout_s: job.timeout_s,
		grace_s: GRACE_S,
		on_partition: 'continue',
		// What came with protocol 2 is named only where it is used: an agent one version behind refuses what it does not know.
		...(job.parameters_schema && { parameters_schema: job.parameters_schema }),
		...(Object.keys(run.secret_parameters).length > 0 && { secret_parameters: run.secret_parameters }),
		...(job.arguments.length > 0 && { arguments: job.arguments }),
		...(aim.hosts && { hosts: aim.hosts }),
		...(aim.inventory && { inventory: aim.inventory }),
		...(run.check_mode && { check: true }),
		...(plan?.plan_sha256 && { apply_plan: plan.plan_sha256 }),
		...(signature && { signature: signatureOf(signature) }),
	});
	// Who it was queued for cannot carry out what it has become.
	if (!spec.success || isRequest(run.backend) !== isRequest(spec.data.execution.backend)) return nothingToRun;
	return spec.data;
}

const nothingToRun: Reason = {
	code: 'script_missing',
	message: 'What the job should run is not there any more, or is of a kind this hub does not run.',
};

/** As when the run was asked for; what has changed since may end it. */
function aimAgain(of: Parameters<typeof aimOf>[0]): Aim | Reason {
	try {
		return aimOf(of);
	} catch (error) {
		if (!(error instanceof NoTargets)) throw error;
		return { code: 'inventory_missing', message: error.message.slice(0, 500) };
	}
}

function clusterAgain(...of: Parameters<typeof clusterOf>): ReturnType<typeof clusterOf> | Reason {
	try {
		return clusterOf(...of);
	} catch (error) {
		if (!(error instanceof NoCluster)) throw error;
		return { code: 'cluster_unavailable', message: error.message.slice(0, 500) };
	}
}

/** Loads runs for their dispatch, in one round trip. */
export const loadDispatches = async (ctx: Ctx, run_ids: readonly number[]): Promise<Map<number, Dispatch>> =>
	dispatchesOf(ctx, await ctx.db.batch(dispatchQueries(ctx, run_ids)));

const signatureOf = ({ key, value, serial, not_after }: Signature): Signature => ({ key, value, serial, not_after });

export type ScriptRow = Loaded[4][number];

function stepOf(script: ScriptRow): Step | null {
	const { name, tool, vault_secret_ref: secret, location_type, location } = script;
	const places = {
		uploaded: { sha256: script.sha256, size: script.size },
		fs_path: { path: location },
		git: {
			path: location,
			url: script.url,
			revision: script.revision ?? script.default_branch,
			credentials: script.credentials,
		},
	};
	return Step.safeParse({ location_type, name, tool, secret, ...places[location_type] }).data ?? null;
}
