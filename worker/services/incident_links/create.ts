import { and, eq, sql } from 'drizzle-orm';
import { conflict, invalid } from '#domain/errors.ts';
import { type IncidentLinkView, type LinkCreate, LINKS_MAX } from '#domain/incident-link.ts';
import { events, incident_links, jobs, runs } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx, RowChange } from '../context.ts';
import { assertWritable, created, one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { tell } from '../incident_entries/tell.ts';
import { entryKindOf, refOf } from './rows.ts';

/** Links an incident with something of its own project; the timeline says so. */
export async function createLink(ctx: Ctx, incident_id: number, input: LinkCreate): Promise<IncidentLinkView> {
	const { column, id, found } = targetQuery(ctx, incident_id, input);
	const taken = sql<number>`(select count(*) from incident_links where incident_id = ${incident_id})`;
	const same = sql<number>`exists (select 1 from incident_links where incident_id = ${incident_id} and ${sql.identifier(column)} = ${id})`;
	const { actor, project, rows } = await enter(ctx, 'incident_link.create', ofRow('incident', incident_id), [
		found,
		ctx.db.select({ taken, same }).from(sql`(select 1)`),
	]);
	assertWritable(project);
	const [target] = rows[0];
	if (!target) throw invalid(column, `there is no such ${input.kind} in this project`);
	if (rows[1][0]?.same) throw conflict(`This ${input.kind} is linked to the incident already.`);
	if ((rows[1][0]?.taken ?? 0) >= LINKS_MAX) throw conflict(`An incident has at most ${String(LINKS_MAX)} links.`);

	const project_id = project?.id ?? null;
	const role = input.kind === 'job' ? input.role : null;
	const table = { job: 'jobs', run: 'runs', event: 'events' }[input.kind];
	const row = {
		incident_id,
		kind: input.kind,
		job_id: null,
		run_id: null,
		event_id: null,
		role,
		created_by_id: actor.id,
		version: 1,
		...created(ctx),
		[column]: id,
	};
	const ref = refOf('added', { ...row, ...target, id: 0 });
	const [made, entries] = await commit(ctx, actor, {
		expect: [
			sql`exists (select 1 from ${sql.identifier(table)} where id = ${id})`,
			sql`exists (select 1 from incidents where id = ${incident_id})`,
			sql`not ${same}`,
		],
		statements: [
			ctx.db.insert(incident_links).values(row).returning(),
			tell(ctx, actor, incident_id, { kind: entryKindOf[input.kind], ref }),
		],
		audit: [
			{
				action: 'incident_link.create',
				object_type: 'IncidentLink',
				object_id: lastInserted('incident_links'),
				project_id,
				metadata: { incident_id, ...input },
			},
		],
	});
	const link: IncidentLinkView = { ...one(made, 'link'), ...target };
	if (project_id !== null)
		ctx.after(
			ctx.live.changed([
				{ project_id, entity: 'incident_link', id: link.id, row: link },
				...entries.map((entry): RowChange => ({ project_id, entity: 'incident_entry', id: entry.id, row: entry })),
			]),
		);
	return link;
}

/** The other end, when it is of the incident's own project. */
function targetQuery(ctx: Ctx, incident_id: number, input: LinkCreate) {
	const own = sql`(select project_id from incidents where id = ${incident_id})`;
	const none = sql<string | null>`null`;
	switch (input.kind) {
		case 'job':
			return {
				column: 'job_id' as const,
				id: input.job_id,
				found: ctx.db
					.select({ title: jobs.title, status: sql<string | null>`${jobs.status}` })
					.from(jobs)
					.where(and(eq(jobs.id, input.job_id), eq(jobs.project_id, own))),
			};
		case 'run':
			return {
				column: 'run_id' as const,
				id: input.run_id,
				found: ctx.db
					.select({ title: jobs.title, status: sql<string | null>`${runs.status}` })
					.from(runs)
					.innerJoin(jobs, eq(jobs.id, runs.job_id))
					.where(and(eq(runs.id, input.run_id), eq(runs.project_id, own))),
			};
		case 'event':
			return {
				column: 'event_id' as const,
				id: input.event_id,
				found: ctx.db
					.select({ title: events.title, status: none })
					.from(events)
					.where(and(eq(events.id, input.event_id), eq(events.project_id, own))),
			};
	}
}
