import { and, asc, eq, lte, type SQL, sql } from 'drizzle-orm';
import { executionOf } from '#domain/backend.ts';
import { DomainError } from '#domain/errors.ts';
import type { Job } from '#domain/job.ts';
import { checkParameters } from '#domain/parameter.ts';
import { approvalsOfNobody } from '#domain/permissions.ts';
import { environments, jobs, projects } from '../../db/client.ts';
import { LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { unchanged } from '../edit.ts';
import { clustersQuery } from './clusters.ts';
import { makeRun, requestFor } from './make.ts';
import { scriptsQuery, specOf } from './spec.ts';
import { targetsQuery } from './targets.ts';

/** How many start in one go; the others follow. */
const DUE_MAX = 200;

/** For `where`, over jobs: it starts by itself, and has not for the time it is planned at. */
export const startsByItself: SQL = sql`(auto_start = 1 and status = 'planned'
	and not exists (select 1 from runs where runs.job_id = jobs.id and runs.scheduled_for = jobs.planned_start)
	and exists (select 1 from projects where projects.id = jobs.project_id and projects.status <> 'archived'))`;

/** Makes the runs of the jobs whose time has come. Returns when the next one's will; null: nothing is planned. */
export async function startDue(ctx: Ctx, project_id: number): Promise<string | null> {
	const now = new Date(ctx.now()).toISOString();
	const due = await ctx.db
		.select()
		.from(jobs)
		.where(and(eq(jobs.project_id, project_id), startsByItself, lte(jobs.planned_start, now)))
		.orderBy(asc(jobs.planned_start), asc(jobs.id))
		.limit(DUE_MAX);
	for (const job of due) {
		await startOne(ctx, job).catch((error: unknown) => {
			// Somebody else was first, or it was planned anew meanwhile: then it is not due. Whatever else it is holds up no other.
			if (!(error instanceof LostRace)) console.error(`job ${String(job.id)} could not be started:`, error);
		});
	}
	const [next] = await ctx.db
		.select({ at: jobs.planned_start })
		.from(jobs)
		.where(and(eq(jobs.project_id, project_id), startsByItself))
		.orderBy(asc(jobs.planned_start))
		.limit(1);
	return next?.at ?? null;
}

/** For its owner. Whether they may, and all that may hold it back, is asked when it is handed to an agent, as of any run. */
async function startOne(ctx: Ctx, job: Job): Promise<void> {
	const { id, project_id, owner_id, planned_start } = job;
	if (planned_start === null) return;
	const [[project], [environment], scripts, [inventory], clusters] = await ctx.db.batch([
		ctx.db.select().from(projects).where(eq(projects.id, project_id)),
		ctx.db
			.select()
			.from(environments)
			.where(eq(environments.id, job.environment_id ?? 0)),
		scriptsQuery(ctx, sql`(${id})`),
		targetsQuery(ctx, sql`(${id})`),
		clustersQuery(ctx, sql`(${project_id})`),
	]);
	if (!project) return;
	const backend = executionOf(project, environment, job).execution_backend ?? 'local';
	const { values: parameters, secrets: secret_parameters, hosts } = checkParameters(job.parameters_schema, {});
	const asked = { parameters, secret_parameters, hosts, check_mode: false, plan_id: null };
	const needed = approvalsOfNobody(environment ?? null);
	const made = specOf({
		run: { ...asked, id: 1, backend },
		job,
		project,
		environment,
		scripts,
		plan: undefined,
		inventory,
		clusters,
	});
	// What cannot be asked for, nor run, is said of the run itself.
	const request =
		needed > 0 && !('code' in made)
			? await requestFor(ctx, made, { needed, environment }).catch((error: unknown) => {
					if (error instanceof DomainError) return null;
					throw error;
				})
			: null;
	await makeRun(
		ctx,
		{ kind: 'system' },
		{
			...asked,
			...{ job, environment, backend },
			triggered_by_id: owner_id,
			attempt: 1,
			retry_of: null,
			scheduled_for: planned_start,
		},
		{
			request,
			expect: [unchanged(jobs, job), sql`exists (select 1 from jobs where jobs.id = ${id} and ${startsByItself})`],
			metadata: { scheduled_for: planned_start },
		},
	);
}
