import { and, asc, eq, lte, type SQL, sql } from 'drizzle-orm';
import { executionOf } from '#domain/backend.ts';
import { DomainError } from '#domain/errors.ts';
import type { Job } from '#domain/job.ts';
import { checkParameters } from '#domain/parameter.ts';
import { approvalsOfNobody } from '#domain/permissions.ts';
import { environments, jobs, projects, runs } from '../../db/client.ts';
import { commit, LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { edited, unchanged } from '../edit.ts';
import { nextStart } from '../jobs/plan.ts';
import { clustersQuery } from './clusters.ts';
import { makeRun, requestFor } from './make.ts';
import { MISSED_AFTER_MS, requestHash } from './permit.ts';
import { scriptsQuery, specOf } from './spec.ts';
import { targetsQuery } from './targets.ts';

/** How many start in one go; the others follow. */
const DUE_MAX = 200;

const inUse = sql`exists (select 1 from projects where projects.id = jobs.project_id and projects.status <> 'archived')`;
/** For `where`, over jobs: it starts by itself, once, and has not for the time it is planned at. */
const startsOnce: SQL = sql`(auto_start = 1 and status = 'planned' and recurrence is null
	and not exists (select 1 from runs where runs.job_id = jobs.id and runs.scheduled_for = jobs.planned_start) and ${inUse})`;
/** It starts by itself each time it recurs, whatever became of the last time. */
const startsAgain: SQL = sql`(next_start is not null and ${inUse})`;

/** For `where`, over jobs: they start by themselves, and their time has come. */
export const isDue = (now: string): SQL =>
	sql`((${startsOnce} and ${lte(jobs.planned_start, now)}) or (${startsAgain} and ${lte(jobs.next_start, now)}))`;

/**
 * For `where`, over runs: what a job started by itself and has not begun yet. It stands for the times that come meanwhile; what only
 * says that times were missed does not.
 */
const waitsOf = ({ id, project_id }: Pick<Job, 'id' | 'project_id'>): SQL => sql`(runs.project_id = ${project_id}
	and runs.status = 'queued' and runs.job_id = ${id} and runs.requested_at - runs.scheduled_for <= ${MISSED_AFTER_MS})`;

/** Makes the runs of the jobs whose time has come. Returns when the next one's will; null: nothing is planned. */
export async function startDue(ctx: Ctx, project_id: number): Promise<string | null> {
	const now = new Date(ctx.now()).toISOString();
	const [once, again] = await ctx.db.batch([
		ctx.db
			.select()
			.from(jobs)
			.where(and(eq(jobs.project_id, project_id), startsOnce, lte(jobs.planned_start, now)))
			.orderBy(asc(jobs.planned_start), asc(jobs.id))
			.limit(DUE_MAX),
		ctx.db
			.select()
			.from(jobs)
			.where(and(eq(jobs.project_id, project_id), startsAgain, lte(jobs.next_start, now)))
			.orderBy(asc(jobs.next_start), asc(jobs.id))
			.limit(DUE_MAX),
	]);
	const due = [
		...once.map((job) => ({ job, at: job.planned_start })),
		...again.map((job) => ({ job, at: job.next_start })),
	];
	for (const { job, at } of due) {
		await startOne(ctx, job, at).catch((error: unknown) => {
			// Somebody else was first, or it was planned anew meanwhile: then it is not due. Whatever else it is holds up no other.
			if (!(error instanceof LostRace)) console.error(`job ${String(job.id)} could not be started:`, error);
		});
	}
	const [[next], [later]] = await ctx.db.batch([
		ctx.db
			.select({ at: jobs.planned_start })
			.from(jobs)
			.where(and(eq(jobs.project_id, project_id), startsOnce))
			.orderBy(asc(jobs.planned_start))
			.limit(1),
		ctx.db
			.select({ at: jobs.next_start })
			.from(jobs)
			.where(and(eq(jobs.project_id, project_id), startsAgain))
			.orderBy(asc(jobs.next_start))
			.limit(1),
	]);
	const moments = [next?.at, later?.at].flatMap((at) => at ?? []);
	return moments.sort()[0] ?? null;
}

/** For its owner. Whether they may, and all that may hold it back, is asked when it is handed to an agent, as of any run. */
async function startOne(ctx: Ctx, job: Job, at: string | null): Promise<void> {
	const { id, project_id, owner_id } = job;
	if (at === null) return;
	const [[project], [environment], scripts, [inventory], clusters, [earlier], [waiting]] = await ctx.db.batch([
		ctx.db.select().from(projects).where(eq(projects.id, project_id)),
		ctx.db
			.select()
			.from(environments)
			.where(eq(environments.id, job.environment_id ?? 0)),
		scriptsQuery(ctx, sql`(${id})`),
		targetsQuery(ctx, sql`(${id})`),
		clustersQuery(ctx, sql`(${project_id})`),
		ctx.db
			.select({ id: runs.id })
			.from(runs)
			.where(and(eq(runs.job_id, id), eq(runs.scheduled_for, at))),
		ctx.db.select({ id: runs.id }).from(runs).where(waitsOf(job)).limit(1),
	]);
	if (!project) return;
	const goOn = job.recurrence ? [goOnFrom(ctx, job, at)] : [];
	// The series was moved back onto a time at which it had started.
	if (earlier) {
		await commit(ctx, { kind: 'system' }, { expect: [unchanged(jobs, job)], statements: goOn, audit: [] });
		return;
	}
	if (job.recurrence && waiting) {
		await commit(
			ctx,
			{ kind: 'system' },
			{
				expect: [
					unchanged(jobs, job),
					sql`exists (select 1 from runs where runs.id = ${waiting.id} and ${waitsOf(job)})`,
				],
				statements: goOn,
				audit: [
					{
						action: 'job.skip',
						object_type: 'Job',
						object_id: id,
						project_id,
						metadata: { scheduled_for: at, waits_for: waiting.id },
					},
				],
			},
		);
		ctx.after(tellJob(ctx, job));
		return;
	}
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
	const request = needed > 0 && !('code' in made) ? requestIfAny(ctx, made, { needed, environment }) : null;
	await makeRun(
		ctx,
		{ kind: 'system' },
		{
			...asked,
			request_hash: await requestHash(made),
			...{ job, environment, backend },
			triggered_by_id: owner_id,
			attempt: 1,
			retry_of: null,
			scheduled_for: at,
		},
		{
			request,
			expect: [unchanged(jobs, job), sql`exists (select 1 from jobs where jobs.id = ${id} and ${isDue(at)})`],
			metadata: { scheduled_for: at },
			also: goOn,
		},
	);
	if (job.recurrence) ctx.after(tellJob(ctx, job));
}

/** Has a series start next at the first time that can still be kept: one run says for all that were missed that they were. */
function goOnFrom(ctx: Ctx, job: Job, at: string) {
	const next_start = nextStart(job, Math.max(Date.parse(at), ctx.now() - MISSED_AFTER_MS));
	return ctx.db
		.update(jobs)
		.set({ next_start, ...edited(ctx, job) })
		.where(and(eq(jobs.id, job.id), eq(jobs.version, job.version)));
}

/** Shows when it starts next. */
async function tellJob(ctx: Ctx, { id, project_id }: Job): Promise<void> {
	const [row] = await ctx.db.select().from(jobs).where(eq(jobs.id, id));
	if (row) await ctx.live.changed([{ project_id, entity: 'job', id, row }]);
}

function requestIfAny(...of: Parameters<typeof requestFor>): ReturnType<typeof requestFor> | null {
	try {
		return requestFor(...of);
	} catch (error) {
		if (error instanceof DomainError) return null;
		throw error;
	}
}
