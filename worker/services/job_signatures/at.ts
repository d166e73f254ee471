import { eq, inArray, sql } from 'drizzle-orm';
import { executionOf } from '#domain/backend.ts';
import { conflict, invalid } from '#domain/errors.ts';
import type { JobSignature } from '#domain/job-signature.ts';
import type { Reason } from '#domain/run-reason.ts';
import { canonical, type Template, templateOf } from '#protocol/run-spec.ts';
import { environments, type job_signatures, jobs, projects } from '../../db/client.ts';
import { sha256 } from '../bytes.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { clustersQuery } from '../runs/clusters.ts';
import { scriptsQuery, signaturesQuery, specOf } from '../runs/spec.ts';
import { targetsQuery } from '../runs/targets.ts';

/** The queries for a job with its signatures and all that its templates are made of. `where`: the ids of the environments. */
export const signedQueries = (ctx: Ctx, job_id: number, where = sql`(select null)`) =>
	[
		ctx.db.select().from(jobs).where(eq(jobs.id, job_id)),
		ctx.db
			.select()
			.from(projects)
			.where(eq(projects.id, sql`(select project_id from jobs where id = ${job_id})`)),
		ctx.db.select().from(environments).where(inArray(environments.id, where)),
		scriptsQuery(ctx, sql`(${job_id})`),
		targetsQuery(ctx, sql`(${job_id})`),
		clustersQuery(ctx, sql`(select project_id from jobs where id = ${job_id})`),
		signaturesQuery(ctx, sql`(${job_id})`),
	] as const;

type Rows<Q extends readonly { _: { result: unknown } }[]> = { [K in keyof Q]: Q[K]['_']['result'] };
type Loaded = Rows<ReturnType<typeof signedQueries>>;

/** A job in an environment, or in none. */
export interface JobAt extends Omit<Parameters<typeof specOf>[0], 'run' | 'plan' | 'signature'> {
	signature: typeof job_signatures.$inferSelect | undefined;
}

export const jobAt = (
	[jobs, projects, environments, scripts, [inventory], clusters, signatures]: Loaded,
	environment_id: number | null,
): JobAt => ({
	job: one(jobs, 'job'),
	project: one(projects, 'project'),
	environment: environments.find(({ id }) => id === environment_id),
	scripts,
	inventory,
	clusters,
	signature: signatures.find((signature) => signature.environment_id === (environment_id ?? 0)),
});

/** Of a run that adds nothing of its own: what does not change from run to run. */
function templateAt({ job, project, environment, scripts, inventory, clusters }: JobAt): Template | Reason {
	const backend = executionOf(project, environment, job).execution_backend ?? 'local';
	const own = { plan_id: null, parameters: {}, secret_parameters: {}, hosts: null, check_mode: false };
	const run = { id: 1, backend, ...own };
	const spec = specOf({ run, job, project, environment, scripts, inventory, clusters, plan: undefined });
	return 'code' in spec ? spec : templateOf(spec);
}

/** Where the job would run, among the environments of its project alone. */
export const environmentOf = (job_id: number, asked: number | undefined) =>
	sql`(select id from environments where project_id = (select project_id from jobs where id = ${job_id})
		and id = coalesce(${asked ?? null}, (select environment_id from jobs where id = ${job_id})))`;

/** The job where it was asked for. */
export function askedAt(rows: Loaded, asked: number | undefined): JobAt {
	const [environment] = rows[2];
	if (asked !== undefined && !environment)
		throw invalid('environment_id', 'there is no such environment in this project');
	return jobAt(rows, environment?.id ?? null);
}

/** What is signed of the job as it would run now, and its SHA-256. Throws `conflict` where nothing could run. */
export async function templateNow(at: JobAt) {
	const template = templateAt(at);
	if ('code' in template) throw conflict(template.message);
	return { template, template_sha256: await hashOf(template) };
}

/** The number of the next signature: it grows, also where the last one was taken back. */
export const nextSerial = (ctx: Ctx, last: JobAt['signature']) =>
	Math.max((last?.serial ?? 0) + 1, Math.floor(ctx.now() / 1000));

type Row = typeof job_signatures.$inferSelect;

export const asTold = ({ environment_id, key, serial, not_after, signed_at }: Row, current: boolean): JobSignature => ({
	environment_id: environment_id === 0 ? null : environment_id,
	key,
	serial,
	not_after,
	signed_at,
	current,
});

/** Whether what was signed is what would run now. */
export async function isCurrent(signature: Row, at: JobAt): Promise<boolean> {
	const template = templateAt(at);
	return !('code' in template) && (await hashOf(template)) === signature.template_sha256;
}

const hashOf = (template: object) => sha256(new TextEncoder().encode(canonical(template)));
