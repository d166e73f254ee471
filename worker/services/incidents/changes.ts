import { and, desc, eq, getTableColumns, gte, inArray, isNull, lte, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type IncidentChange, ranked } from '#domain/incident-change.ts';
import { finalRunStatuses } from '#domain/run.ts';
import { audit_logs, events, incident_links, incidents, jobs, runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { EditMetadata, one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

const HOUR_MS = 3_600_000;
/** A run takes a week at most, so what ended in the window was asked for not longer before it. */
const RUN_LENGTH_MAX_MS = 7 * 24 * HOUR_MS;
/** Of each kind, the latest. */
const EACH_MAX = 100;

export const ChangesQuery = z.strictObject({
	/** How long before it was detected. */
	hours: z.coerce.number().int().min(1).max(168).default(24),
	limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** Edits that can break something. */
const acts = [
	...['job.create', 'job.update', 'job.delete', 'script.create', 'script.update', 'script.delete'],
	...['environment.create', 'environment.update', 'environment.delete', 'project.update'],
];
const AuditTitle = z.object({ title: z.string(), name: z.string() }).partial();

/** What changed in the project in the hours before an incident was noticed, likeliest first. At most so many, so there is one page. */
export async function listChanges(
	ctx: Ctx,
	id: number,
	{ hours, limit }: z.infer<typeof ChangesQuery>,
): Promise<{ items: IncidentChange[]; next_cursor: null }> {
	const project = sql`(select project_id from incidents where id = ${id})`;
	const high = sql`(select detected_at from incidents where id = ${id})`;
	const low = sql`(select detected_at - ${hours * HOUR_MS} from incidents where id = ${id})`;
	const { rows } = await enter(ctx, 'incident.read', ofRow('incident', id), [
		ctx.db.select().from(incidents).where(eq(incidents.id, id)),
		ctx.db.select(getTableColumns(incident_links)).from(incident_links).where(eq(incident_links.incident_id, id)),
		ctx.db
			.select({
				id: runs.id,
				at: runs.finished_at,
				title: jobs.title,
				job_id: runs.job_id,
				status: runs.status,
				environment_id: runs.environment_id,
				by_id: runs.triggered_by_id,
			})
			.from(runs)
			.innerJoin(jobs, eq(jobs.id, runs.job_id))
			.where(
				and(
					eq(runs.project_id, project),
					inArray(runs.status, [...finalRunStatuses]),
					gte(runs.requested_at, sql`${low} - ${RUN_LENGTH_MAX_MS}`),
					lte(runs.requested_at, high),
					gte(runs.finished_at, low),
					lte(runs.finished_at, high),
				),
			)
			.orderBy(desc(runs.requested_at))
			.limit(EACH_MAX),
		ctx.db
			.select({ id: events.id, at: events.start, title: events.title })
			.from(events)
			.where(
				and(eq(events.project_id, project), isNull(events.job_id), gte(events.start, low), lte(events.start, high)),
			)
			.orderBy(desc(events.start))
			.limit(EACH_MAX),
		ctx.db
			.select({
				id: audit_logs.object_id,
				at: audit_logs.timestamp,
				action: audit_logs.action,
				metadata: audit_logs.metadata,
				by_id: audit_logs.user_id,
				title: sql<string | null>`case ${audit_logs.object_type}
					when 'Job' then (select title from jobs where jobs.id = ${audit_logs.object_id})
					when 'ScriptRef' then (select name from script_refs where script_refs.id = ${audit_logs.object_id})
					when 'Environment' then (select name from environments where environments.id = ${audit_logs.object_id})
					when 'Project' then (select name from projects where projects.id = ${audit_logs.object_id}) end`,
				environment_id: sql<number | null>`case ${audit_logs.object_type}
					when 'Job' then (select environment_id from jobs where jobs.id = ${audit_logs.object_id})
					when 'Environment' then ${audit_logs.object_id} end`,
			})
			.from(audit_logs)
			.where(
				and(
					eq(audit_logs.project_id, project),
					gte(audit_logs.timestamp, low),
					lte(audit_logs.timestamp, high),
					inArray(audit_logs.action, acts),
				),
			)
			.orderBy(desc(audit_logs.timestamp))
			.limit(EACH_MAX),
	]);
	const incident = one(rows[0], 'incident');
	const [, links, ended, planned, edits] = rows;
	const none = { action: null, fields: [], job_id: null, status: null, environment_id: null, by_id: null };
	const items = ranked(incident, [
		...ended.flatMap((run) =>
			run.at === null
				? []
				: [
						{
							...none,
							...run,
							at: run.at,
							kind: 'run' as const,
							linked: links.some((l) => l.run_id === run.id || l.job_id === run.job_id),
						},
					],
		),
		...planned.map((event) => ({
			...none,
			...event,
			kind: 'event' as const,
			linked: links.some((l) => l.event_id === event.id),
		})),
		...edits.flatMap(({ id, metadata, title, ...edit }) => {
			if (id === null) return [];
			const said = AuditTitle.safeParse(metadata).data;
			const changed = EditMetadata.safeParse(metadata).data;
			return [
				{
					...none,
					...edit,
					id,
					title: title ?? said?.title ?? said?.name ?? `#${String(id)}`,
					fields: Object.keys(changed?.changes ?? {}),
					kind: 'edit' as const,
					linked: edit.action.startsWith('job.') && links.some((l) => l.job_id === id),
				},
			];
		}),
	]);
	return { items: items.slice(0, limit), next_cursor: null };
}
