import { getTableColumns, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { defaultProtection } from '#domain/environment.ts';
import {
	agents,
	audit_logs,
	environments,
	events,
	freezes,
	group_users,
	groups,
	identities,
	job_script_refs,
	jobs,
	project_groups,
	projects,
	runs,
	script_refs,
	server_statuses,
	users,
} from '#worker/db/client.ts';
import { fromBase64url, sha256 } from '#worker/services/bytes.ts';
import type { Ctx } from '#worker/services/context.ts';
import type { Recurrence } from '#domain/recurrence.ts';
import { projectionOf } from '#worker/services/jobs/plan.ts';
import { recursUntil } from '#worker/services/series.ts';
import { storeContent } from '#worker/services/scripts/content.ts';
import { demoEvents, demoFreezes } from './calendar.ts';
import { hostPast } from './hosts.ts';
import { infraStatements } from './infra.ts';
import { incidentRows } from './incident-rows.ts';
import { demoJobs, type DemoJob, type DemoUser, type ProjectName } from './jobs.ts';
import { pastRuns } from './past.ts';
import { demoAgents, demoGroups, demoProjects, demoUsers } from './people.ts';
import { type ScriptName, scripts } from './scripts.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** How long ago the demo's own agents were last seen. */
const AWAY = 26 * 60_000;

const environmentTypes = ['dev', 'staging', 'prod'] as const;
const scriptNames = Object.keys(scripts) as ScriptName[];

// The hub is empty, so the rows are numbered from 1 in the order of the lists.
const numberOf = <T>(list: readonly T[], same: (one: T) => boolean): number => list.findIndex(same) + 1;
const userId = (name: DemoUser) => numberOf(demoUsers, ({ username }) => username === name);
const projectId = (name: ProjectName) => numberOf(demoProjects, (project) => project.name === name);
const scriptId = (name: ScriptName) => numberOf(scriptNames, (one) => one === name);
const environmentId = ({ project, environment }: Pick<DemoJob, 'project' | 'environment'>) =>
	environment &&
	(projectId(project) - 1) * environmentTypes.length + numberOf(environmentTypes, (t) => t === environment);

/** What comes again keeps its hour on these clocks. */
const recurrenceOf = (rrule: string | undefined): Recurrence | null =>
	rrule === undefined ? null : { rrule, time_zone: 'Europe/Paris', exdates: [] };
const iso = (ms: number) => new Date(ms).toISOString();

/** Every row of the demo, for one batch; the scripts' contents are stored on the way. */
export async function demoStatements(ctx: Ctx, password_hashes: string[]): Promise<BatchItem<'sqlite'>[]> {
	const now = ctx.now();
	const born = now - 28 * DAY;
	const stamps = { created_at: iso(born), updated_at: iso(born) };
	const statements: BatchItem<'sqlite'>[] = [];

	demoUsers.forEach((user, n) => {
		statements.push(
			ctx.db.insert(users).values({ id: n + 1, theme: 'dark', ...user, ...stamps }),
			ctx.db.insert(identities).values({
				user_id: n + 1,
				provider: 'credential',
				subject: String(n + 1),
				password_hash: password_hashes[n] ?? null,
				...stamps,
			}),
		);
	});
	for (const { name, owner, ...project } of demoProjects) {
		const project_id = projectId(name);
		statements.push(
			ctx.db.insert(projects).values({ id: project_id, name, owner_id: userId(owner), ...project, ...stamps }),
			...environmentTypes.map((type) =>
				ctx.db.insert(environments).values({
					id: environmentId({ project: name, environment: type }) ?? 0,
					project_id,
					name: type,
					type,
					protection: defaultProtection(type),
					...stamps,
				}),
			),
		);
	}
	demoGroups.forEach(({ name, members, access }, n) => {
		const group_id = n + 1;
		statements.push(
			ctx.db.insert(groups).values({ id: group_id, name, ...stamps }),
			...members.map((member) => ctx.db.insert(group_users).values({ group_id, user_id: userId(member), ...stamps })),
			...demoProjects.flatMap((project) => {
				const level = access[project.name];
				return level
					? [
							ctx.db
								.insert(project_groups)
								.values({ project_id: projectId(project.name), group_id, access: level, ...stamps }),
						]
					: [];
			}),
		);
	});
	for (const name of scriptNames) {
		const { project, description, content } = scripts[name];
		const project_id = projectId(project);
		const where = await storeContent(ctx.store, project_id, new TextEncoder().encode(content));
		statements.push(
			ctx.db.insert(script_refs).values({
				id: scriptId(name),
				project_id,
				tool: 'shell',
				name,
				description,
				location_type: 'uploaded',
				...where,
				...stamps,
			}),
		);
	}
	statements.push(
		...(await agentRows(ctx, now, stamps)),
		...planRows(ctx, now, stamps),
		...pastRows(ctx, now),
		...(await infraStatements(ctx, {
			projectId,
			jobId: (title) => numberOf(demoJobs, (job) => job.title === title) || null,
			environmentId: (project, environment) => environmentId({ project, environment }),
		})),
		...incidentRows(ctx, now, {
			user: userId,
			project: projectId,
			environment: environmentId,
			job: (job) => numberOf(demoJobs, (one) => one === job),
		}),
	);
	return statements;
}

type Stamps = { created_at: string; updated_at: string };

/** Jobs with their entries in the calendar, the entries that are no jobs, and freezes. */
function planRows(ctx: Ctx, now: number, stamps: Stamps): BatchItem<'sqlite'>[] {
	const monday = Math.floor(now / DAY) * DAY - ((new Date(now).getUTCDay() + 6) % 7) * DAY;
	const at = (day: number, hour: number) => iso(monday + day * DAY + hour * HOUR);
	const past = pastRuns(demoJobs, now);
	return [
		...demoJobs.flatMap((job, n) => {
			const id = n + 1;
			const project_id = projectId(job.project);
			const plan = {
				planned_start: job.plan ? at(job.plan.day, job.plan.from) : null,
				planned_end: job.plan ? at(job.plan.day, job.plan.to) : null,
				recurrence: recurrenceOf(job.rrule),
			};
			const last = past.findLast((run) => run.job === job)?.row.status;
			const ahead = plan.recurrence !== null || (plan.planned_start !== null && Date.parse(plan.planned_start) > now);
			const ended = last === 'success' || last === 'failed' || last === 'canceled' ? last : 'draft';
			const projection = projectionOf({ ...job, ...plan, environment_id: environmentId(job) });
			return [
				ctx.db.insert(jobs).values({
					id,
					project_id,
					environment_id: environmentId(job),
					title: job.title,
					description: job.description,
					job_type: job.job_type,
					owner_id: userId(job.owner),
					requested_by_id: userId('projets'),
					status: ahead ? 'planned' : ended,
					priority: job.priority ?? 'normal',
					parameters_schema: job.parameters ?? null,
					...plan,
					tags: job.tags,
					...stamps,
				}),
				...job.scripts.map((name, position) =>
					ctx.db.insert(job_script_refs).values({ job_id: id, script_id: scriptId(name), position }),
				),
				...(projection ? [ctx.db.insert(events).values({ ...projection, project_id, job_id: id, ...stamps })] : []),
			];
		}),
		...demoEvents.flatMap(({ project, title, event_type, days, hours, rrule }) =>
			days.map((day) => {
				const start = at(day, hours?.from ?? 0);
				const end = hours ? at(day, hours.to) : at(day + 5, 0);
				const series = { start, end, recurrence: recurrenceOf(rrule) };
				return ctx.db.insert(events).values({
					project_id: projectId(project),
					title,
					event_type,
					...series,
					recurs_until: recursUntil(series),
					all_day: hours === undefined,
					...stamps,
				});
			}),
		),
		...demoFreezes.map(({ from, to, rrule, ...freeze }) => {
			const series = { start: at(from, 23), end: at(to, 22), recurrence: recurrenceOf(rrule) };
			return ctx.db.insert(freezes).values({
				project_id: projectId(freeze.project),
				environment_id: environmentId(freeze),
				title: freeze.title,
				reason: freeze.reason,
				...series,
				recurs_until: recursUntil(series),
				...stamps,
			});
		}),
	];
}

/** The runs of the past weeks, without their logs, and what the audit says of them. */
function pastRows(ctx: Ctx, now: number): BatchItem<'sqlite'>[] {
	return pastRuns(demoJobs, now).flatMap(({ job, row }, n) => {
		const id = n + 1;
		const project_id = projectId(job.project);
		const environment_id = environmentId(job);
		const job_id = numberOf(demoJobs, (one) => one === job);
		const user_id = userId(job.past?.by ?? 'ops');
		const ran = row.started_at !== null;
		return [
			ctx.db.insert(runs).values({
				id,
				job_id,
				project_id,
				environment_id,
				triggered_by_id: user_id,
				backend: 'local',
				agent_id: ran ? 1 + (n % demoAgents.length) : null,
				epoch: ran ? 1 : 0,
				...row,
				created_at: row.requested_at,
				updated_at: row.finished_at ?? row.requested_at,
			}),
			ctx.db.insert(audit_logs).values({
				timestamp: row.requested_at,
				user_id,
				action: 'run.start',
				object_type: 'Run',
				object_id: id,
				metadata: { job_id, environment_id, parameters: [] },
				project_id,
				actor_kind: 'user',
				request_id: ctx.request_id,
			}),
		];
	});
}

/** Two agents that are away, and how their hosts were while they were here. */
async function agentRows(ctx: Ctx, now: number, stamps: Stamps): Promise<BatchItem<'sqlite'>[]> {
	const statements: BatchItem<'sqlite'>[] = [];
	for (const [n, agent] of demoAgents.entries()) {
		const id = n + 1;
		const last = now - AWAY;
		statements.push(
			ctx.db.insert(agents).values({
				id,
				...agent,
				fingerprint: await sha256(fromBase64url(agent.public_key)),
				agent_version: '0.1.0',
				abilities: { backends: ['local'], tools: { sh: 'dash 0.5.12', git: '2.47.3' } },
				status: 'offline',
				last_seen_at: iso(last),
				...stamps,
			}),
		);
		// In one statement, whatever their number.
		const rows = JSON.stringify(hostPast(last, n).map((report) => ({ agent_id: id, ...report })));
		const columns = Object.keys(getTableColumns(server_statuses)).map((name) => sql`value ->> ${sql.raw(`'${name}'`)}`);
		statements.push(
			ctx.db.insert(server_statuses).select(sql`select ${sql.join(columns, sql`, `)} from json_each(${rows})`),
		);
	}
	return statements;
}
