import { sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { APPROVAL_TTL_S, approvalReason } from '#domain/approval.ts';
import type { ExecutionBackend } from '#domain/backend.ts';
import type { Environment } from '#domain/environment.ts';
import { conflict } from '#domain/errors.ts';
import type { Job } from '#domain/job.ts';
import type { Actor } from '#domain/permissions.ts';
import type { Run } from '#domain/run.ts';
import type { RunSpec } from '#protocol/run-spec.ts';
import { approvals, inQueue, lane, runs } from '../../db/client.ts';
import { type AuditEntry, commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';

/** What a new run is, beside what it has from its job. */
export interface Wanted extends Pick<
	Run,
	| 'triggered_by_id'
	| 'attempt'
	| 'retry_of'
	| 'plan_id'
	| 'parameters'
	| 'secret_parameters'
	| 'hosts'
	| 'check_mode'
	| 'request_hash'
> {
	job: Job;
	environment: Environment | undefined;
	backend: ExecutionBackend;
	note?: string | undefined;
	break_freeze?: string | undefined;
	not_before?: string;
	/** The time it was planned for, where it starts by itself. */
	scheduled_for?: string;
}

/** How many people are asked to approve it, and until when. */
export interface Request {
	needed: number;
	expires_at: string;
}

/** A request for approval of exactly this. Throws where what would run could become something else meanwhile. */
export function requestFor(
	ctx: Ctx,
	spec: RunSpec,
	{ needed, environment }: { needed: number; environment: Environment | undefined },
): Request {
	const moving = spec.steps.find((s) => s.location_type === 'git' && !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(s.revision));
	if (moving)
		throw conflict(
			`${moving.name} is taken from a branch or a tag, which can move: what is to be approved here needs a commit (the whole hash) as its revision.`,
		);
	const onAgent = spec.steps.find(({ location_type }) => location_type === 'fs_path');
	if (onAgent)
		throw conflict(
			`${onAgent.name} is a file on the agent's host, which can change: what is to be approved here needs an uploaded script, or one at a commit.`,
		);
	const { execution } = spec;
	if ((execution.backend === 'docker' || execution.backend === 'k8s') && !execution.config.image.includes('@sha256:'))
		throw conflict(
			`The image ${execution.config.image} is named by a tag, which can move: what is to be approved here needs its digest (name@sha256:…).`,
		);
	const ttl_s = environment?.protection.approval_ttl_s ?? APPROVAL_TTL_S;
	const expires_at = new Date(ctx.now() + ttl_s * 1000).toISOString();
	return { needed, expires_at };
}

/** What a request adds to a new run. */
interface Addition {
	request: Request | null;
	metadata: Record<string, unknown>;
	audit?: Pick<AuditEntry, 'action' | 'metadata'>[];
}

/** Makes a run that waits: for its turn, or first for people. `also` is written with it. */
export async function makeRun(
	ctx: Ctx,
	actor: Actor,
	wanted: Wanted,
	{ expect, also = [], ...addition }: Addition & { expect: SQL[]; also?: BatchItem<'sqlite'>[] },
): Promise<Run> {
	const { statements, audit } = newRun(ctx, wanted, addition);
	const [made] = await commit(ctx, actor, { expect, statements: [...statements, ...also], audit });
	const run = one(made, 'run');
	tellQueued(ctx, run);
	return run;
}

/** Has it dispatched, and shown. */
export function tellQueued(ctx: Ctx, run: Run): void {
	const { id, project_id } = run;
	ctx.after(ctx.live.queued({ id, project_id }));
	ctx.after(ctx.live.changed([{ project_id, entity: 'run', id, row: run }]));
}

/** What makes a run, for a batch. */
export function newRun(ctx: Ctx, wanted: Wanted, { request, metadata, audit = [] }: Addition) {
	const { job, environment, note, break_freeze, backend, ...columns } = wanted;
	const { id: job_id, project_id, priority, labels, concurrency_key } = job;
	const at = new Date(ctx.now()).toISOString();
	const ofRun = { object_type: 'Run', object_id: lastInserted('runs'), project_id };
	const { parameters, secret_parameters } = columns;
	const run = ctx.db
		.insert(runs)
		.values({
			...columns,
			...{ job_id, project_id, backend, priority, labels, concurrency_key },
			environment_id: environment?.id ?? null,
			note: note ?? null,
			break_freeze: break_freeze ?? null,
			requested_at: at,
			start_before: startBefore(job, request?.expires_at ?? columns.not_before ?? at),
			...(request
				? {
						approvals_needed: request.needed,
						approvals_missing: request.needed,
						approval_expires_at: request.expires_at,
						reason: approvalReason(request.needed),
					}
				: { reason: behindMany(wanted) }),
			...created(ctx),
		})
		.returning();
	const asked = (request: Request) =>
		ctx.db.insert(approvals).values(
			Array.from({ length: request.needed }, () => ({
				run_id: sql<number>`${lastInserted('runs')}`,
				project_id,
				requested_by_id: wanted.triggered_by_id,
				hash: columns.request_hash ?? '',
				expires_at: request.expires_at,
				...created(ctx),
			})),
		);
	const entries: AuditEntry[] = [
		{
			action: 'run.start',
			...ofRun,
			metadata: {
				job_id,
				environment_id: environment?.id ?? null,
				parameters: [...Object.keys(parameters), ...Object.keys(secret_parameters)],
				...metadata,
			},
		},
		...audit.map((entry) => ({ ...entry, ...ofRun })),
		...(request
			? [{ action: 'run.ask_approval', ...ofRun, metadata: { hash: columns.request_hash, ...request } }]
			: []),
	];
	return { statements: [run, ...(request ? [asked(request)] : [])] as const, audit: entries };
}

/** Its time to start begins when nothing but its turn is waited for any more, at the latest. */
const startBefore = ({ start_within_s }: Job, from: string): string =>
	new Date(Date.parse(from) + start_within_s * 1000).toISOString();

/** More than so many ahead are not counted: the room tells how many once it is nearer to its turn. */
const FAR = 20;

/** Why it waits, where there is no need to look: very many of its lane do. */
function behindMany({ job, environment, plan_id, break_freeze, backend }: Wanted) {
	const name = [
		environment?.id ?? 0,
		plan_id ?? 0,
		Number(break_freeze !== undefined),
		backend,
		JSON.stringify(job.labels),
	];
	const reason = { code: 'behind_others', message: `More than ${String(FAR)} ahead.` };
	return sql`case when (select count(*) from (select 1 from runs where project_id = ${job.project_id} and ${inQueue}
		and ${lane} = ${name.join(' ')} limit ${FAR + 1})) > ${FAR} then ${JSON.stringify(reason)} end`;
}
