import { and, eq, sql, type SQL } from 'drizzle-orm';
import type { Access } from '#domain/access.ts';
import { type ExecutionBackend, executionOf, isByHub, isRequest } from '#domain/backend.ts';
import { DomainError, conflict, forbidden, invalid } from '#domain/errors.ts';
import type { Environment } from '#domain/environment.ts';
import type { Freeze, FreezeWindow } from '#domain/freeze.ts';
import { recurringOn } from '#domain/freeze-times.ts';
import type { Job } from '#domain/job.ts';
import { checkParameters } from '#domain/parameter.ts';
import { approvalsNeeded, can } from '#domain/permissions.ts';
import { isFinal, type Run, type RunStart } from '#domain/run.ts';
import type { Tool } from '#domain/tool.ts';
import { NoTargets } from '#domain/target.ts';
import { ansibleRefusal } from '#protocol/ansible-refusal.ts';
import { environments, jobs, projects, runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one, unchanged } from '../edit.ts';
import { freezesFrom } from '../freezes/in-force.ts';
import { enter, ofRow, type UserActor } from '../gate.ts';
import { clusterOf, clustersQuery, NoCluster } from './clusters.ts';
import { makeRun, requestFor } from './make.ts';
import { requestHash } from './permit.ts';
import { plansQuery, scriptsQuery, specOf } from './spec.ts';
import { aimOf, NotATarget, targetsQuery } from './targets.ts';

/** Puts a run of a job into its project's queue. The answer does not wait for an agent. */
export function startRun(ctx: Ctx, job_id: number, input: RunStart): Promise<Run> {
	return start(ctx, sql`${job_id}`, ofRow('job', job_id), input, null);
}

/** Whether a run is over by the word of its stream, which knows it before the record does. */
export type IsOver = (run_id: number) => Promise<boolean>;

/** Runs once more what a finished run ran, as a new run that names it. A person's decision, never the hub's. */
export async function retryRun(ctx: Ctx, isOver: IsOver, id: number): Promise<Run> {
	const [earlier] = await ctx.db.select().from(runs).where(eq(runs.id, id));
	const input: RunStart = {
		parameters: { ...earlier?.parameters, ...earlier?.secret_parameters },
		...(earlier?.environment_id && { environment_id: earlier.environment_id }),
		...(earlier?.check_mode && { check: true }),
	};
	return start(
		ctx,
		sql`(select job_id from runs where id = ${id})`,
		ofRow('run', id),
		input,
		earlier ? { run: earlier, isOver } : null,
	);
}

/** A terraform plan that a run is to apply, and what must be so for that. */
interface Applied {
	id: number;
	check: () => void;
	expect: SQL[];
}

export async function start(
	ctx: Ctx,
	job_id: SQL,
	scope: ReturnType<typeof ofRow>,
	input: RunStart,
	repeats: { run: Run; isOver: IsOver } | null,
	plan: Applied | null = null,
): Promise<Run> {
	const at = new Date(ctx.now()).toISOString();
	const earlier = repeats?.run ?? null;
	const { actor, access, rows } = await enter(
		ctx,
		'run.start',
		scope,
		[
			ctx.db.select().from(jobs).where(eq(jobs.id, job_id)),
			ctx.db
				.select()
				.from(environments)
				.where(
					and(
						eq(
							environments.id,
							sql`coalesce(${input.environment_id ?? null}, (select environment_id from jobs where id = ${job_id}))`,
						),
						eq(environments.project_id, sql`(select project_id from jobs where id = ${job_id})`),
					),
				),
			ctx.db
				.select()
				.from(projects)
				.where(eq(projects.id, sql`(select project_id from jobs where id = ${job_id})`)),
			scriptsQuery(ctx, sql`(${job_id})`),
			freezesFrom(ctx, sql`(select project_id from jobs where id = ${job_id})`, at),
			targetsQuery(ctx, sql`(${job_id})`),
			plansQuery(ctx, sql`(${plan?.id ?? 0})`),
			clustersQuery(ctx, sql`(select project_id from jobs where id = ${job_id})`),
		],
		([, [environment]]) => ({ environment: environment ?? null }),
	);
	if (plan) {
		const verdict = can(actor, 'terraform_plan.apply', { access });
		if (!verdict.allowed) throw forbidden(verdict.missing);
		plan.check();
	}
	if (earlier?.plan_id) throw conflict('The run applied a plan: make another plan, and apply that one.');
	const job = one(rows[0], 'job');
	const project = one(rows[2], 'project');
	const [environment] = rows[1];
	if (input.environment_id !== undefined && !environment)
		throw invalid('environment_id', 'there is no such environment in this project');
	if (project.status !== 'active') throw conflict(`The project is ${project.status}: nothing starts in it.`);
	if (job.job_type === 'meeting') throw conflict('A meeting never runs.');
	const [, , , scripts, , [inventory], [planRow], clusters] = rows;
	const execution = executionOf(project, environment, job);
	const backend = execution.execution_backend ?? 'local';
	// Who sees the end and asks at once must not hear that there is none.
	if (repeats && !isFinal(repeats.run.status) && !(await repeats.isOver(repeats.run.id)))
		throw conflict('The run is not over yet.');

	const broken = input.break_freeze === undefined ? null : breakFreeze(actor, access, rows[4], environment, at);

	const checked = checkParameters(job.parameters_schema, input.parameters);
	if (checked.errors.length > 0)
		throw new DomainError('invalid', 'The parameters are not valid.', { errors: checked.errors });
	const [secret] = Object.keys(checked.secrets);
	if (isRequest(backend) && secret !== undefined)
		throw invalid(`parameters.${secret}`, 'is a secret, and a request holds none');
	const byHub = isByHub(backend, execution.execution_backend_config);
	if (byHub && execution.execution_backend_config?.callback === true && ctx.url === null)
		throw conflict('The hub does not know its own address, where the callback is to come: set UHUB_PUBLIC_URL.');
	const tools = scripts.map(({ tool }) => tool);
	assertTools(tools, backend, input.check ?? false);
	assertCluster(execution, clusters, project.id, environment?.id ?? null);
	assertTargets({ job, execution, tools, inventory, chosen: checked.hosts });

	const { values: parameters, secrets: secret_parameters, hosts } = checked;
	const asked = { parameters, secret_parameters, hosts, check_mode: input.check ?? false, plan_id: plan?.id ?? null };
	const needed = approvalsNeeded(actor.role, access, environment ?? null);
	// It does not hold the run's number, which there is not yet.
	const made = specOf({
		run: { ...asked, id: 1, backend },
		...{ job, project, environment, scripts, inventory, clusters },
		plan: planRow,
	});
	const refused = 'code' in made ? null : ansibleRefusal(made);
	if (refused) throw invalid(refused.path, refused.message);
	if (needed > 0 && 'code' in made) throw conflict(made.message);
	const request = needed > 0 && !('code' in made) ? requestFor(ctx, made, { needed, environment }) : null;
	return makeRun(
		ctx,
		actor,
		{
			...asked,
			request_hash: await requestHash(made),
			...{ job, environment, backend, note: input.reason, break_freeze: input.break_freeze },
			triggered_by_id: actor.id,
			attempt: (earlier?.attempt ?? 0) + 1,
			retry_of: earlier?.id ?? null,
		},
		{
			request,
			expect: [
				sql`exists (select 1 from projects where id = ${job.project_id} and status = 'active')`,
				unchanged(jobs, job),
				...(environment ? [unchanged(environments, environment)] : []),
				...(plan?.expect ?? []),
			],
			metadata: {
				...(input.reason !== undefined && { reason: input.reason }),
				...(earlier && { retry_of: earlier.id }),
				...(plan && { plan_id: plan.id }),
			},
			audit: broken
				? [
						{
							action: 'freeze.break',
							metadata: { reason: input.break_freeze, job_id: job.id, freezes: broken },
						},
					]
				: [],
		},
	);
}

/** Playbooks reach their hosts themselves; and where only what would change is asked for, nothing may do more than say it. */
function assertTools(tools: readonly Tool[], backend: ExecutionBackend, check: boolean): void {
	if (isRequest(backend) && tools.length > 0)
		throw conflict(`With the backend ${backend} nothing but a request is sent: take the scripts out of the job.`);
	if (!isRequest(backend) && tools.length === 0) throw conflict('The job has no scripts: there is nothing to run.');
	if (tools.includes('ansible') && backend !== 'local' && backend !== 'docker')
		throw conflict(
			`A playbook reaches its hosts itself, from the agent's host or a container: not with the backend ${backend}.`,
		);
	if (check && (tools.length === 0 || tools.some((tool) => tool !== 'ansible')))
		throw invalid('check', 'is for jobs of playbooks alone: other scripts would do what they do');
}

function assertCluster(...of: Parameters<typeof clusterOf>): void {
	try {
		clusterOf(...of);
	} catch (error) {
		if (error instanceof NoCluster) throw conflict(error.message);
		throw error;
	}
}

/** Throws where there is nothing to aim at, or what was chosen is none of it. */
function assertTargets(aimed: Parameters<typeof aimOf>[0] & { job: Pick<Job, 'parameters_schema'> }): void {
	try {
		aimOf(aimed);
	} catch (error) {
		if (!(error instanceof NoTargets)) throw error;
		const name = aimed.job.parameters_schema?.find(({ type }) => type === 'hosts')?.name;
		if (error instanceof NotATarget && name !== undefined) throw invalid(`parameters.${name}`, error.message);
		throw conflict(error.message);
	}
}

/** The freezes that are broken. Breaking takes a right of its own, and something to break. */
function breakFreeze(
	actor: UserActor,
	access: Access | null,
	freezes: readonly (FreezeWindow & Pick<Freeze, 'id' | 'recurrence'>)[],
	environment: Environment | undefined,
	at: string,
): { id: number; title: string }[] {
	const verdict = can(actor, 'freeze.break', { access });
	if (!verdict.allowed) throw forbidden(verdict.missing);
	const on = recurringOn(freezes, environment?.id ?? null, at);
	if (on.length === 0) throw conflict('No freeze is on here now: run it without breaking one.');
	return on.map(({ id, title }) => ({ id, title }));
}
