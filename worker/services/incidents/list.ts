import { and, eq, inArray, or, sql } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery, Time } from '#domain/common.ts';
import { IncidentStatus, type IncidentView, Severity } from '#domain/incident.ts';
import { incidents } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject, visibleProjects } from '../gate.ts';
import { holds, keyset, type Page, ranked, sortBy } from '../list.ts';
import { viewOf } from './rows.ts';

const id = z.coerce.number().pipe(Id).optional();

const filters = {
	...ListQuery,
	sort: sortBy(['detected_at', 'updated_at', 'severity', 'status'], '-detected_at'),
	status: IncidentStatus.optional(),
	/** `true`: those not yet resolved; `false`: the others. */
	active: z.enum(['true', 'false']).optional(),
	severity: Severity.optional(),
	environment_id: id,
	commander_id: id,
	/** Those linked to this job, or to a run of it. */
	job_id: id,
	/** Detected at or after this, and before that. */
	from: Time.optional(),
	to: Time.optional(),
};
export const IncidentListInProject = z.strictObject(filters);
export const IncidentList = z.strictObject({ ...filters, project_id: id });

/** The incidents of one project, or of all that the person may see. */
export async function listIncidents(ctx: Ctx, query: z.infer<typeof IncidentList>): Promise<Page<IncidentView>> {
	const { detected_at, updated_at } = incidents;
	const orders = {
		...{ detected_at, updated_at },
		severity: ranked(incidents.severity, Severity.options),
		status: ranked(incidents.status, IncidentStatus.options),
	};
	const { limit, orderBy, page, where } = keyset(query, orders, incidents.id);
	const { project_id } = query;
	const active = inArray(incidents.status, ['open', 'mitigated']);
	const by = (['environment_id', 'commander_id'] as const).map((name) => {
		const value = query[name];
		return value === undefined ? undefined : eq(incidents[name], value);
	});
	const { rows } = await enter(
		ctx,
		'incident.list',
		project_id === undefined ? null : inProject(project_id),
		[
			ctx.db
				.select()
				.from(incidents)
				.where(
					and(
						project_id === undefined
							? inArray(incidents.project_id, visibleProjects(ctx))
							: eq(incidents.project_id, project_id),
						where,
						query.status && eq(incidents.status, query.status),
						query.active && (query.active === 'true' ? active : sql`not ${active}`),
						query.severity && eq(incidents.severity, query.severity),
						...by,
						query.job_id
							? sql`exists (select 1 from incident_links l where l.incident_id = ${incidents.id}
								and (l.job_id = ${query.job_id} or l.run_id in (select r.id from runs r where r.job_id = ${query.job_id})))`
							: undefined,
						query.from ? sql`${detected_at} >= ${Date.parse(query.from)}` : undefined,
						query.to ? sql`${detected_at} < ${Date.parse(query.to)}` : undefined,
						or(holds(incidents.title, query.q), holds(incidents.description, query.q)),
					),
				)
				.orderBy(...orderBy)
				.limit(limit),
		],
		project_id === undefined ? () => ({ access: 'read' }) : undefined,
	);
	return page(rows[0].map(viewOf));
}
