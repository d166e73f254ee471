import { eq, getTableColumns, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { EntryRef } from '#domain/incident-entry.ts';
import type { IncidentLink, IncidentLinkView, LinkKind } from '#domain/incident-link.ts';
import { events, incident_links, jobs, runs } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

const run_jobs = alias(jobs, 'run_jobs');

/** What its other end is called. */
export const linkTitle = sql<string>`coalesce(${jobs.title}, ${run_jobs.title}, ${events.title}, '')`;

/** Links with what is read of their other ends; the caller says which. */
export const linksQuery = (ctx: Ctx) =>
	ctx.db
		.select({
			...getTableColumns(incident_links),
			title: linkTitle,
			status: sql<string | null>`coalesce(${jobs.status}, ${runs.status})`,
		})
		.from(incident_links)
		.leftJoin(jobs, eq(jobs.id, incident_links.job_id))
		.leftJoin(runs, eq(runs.id, incident_links.run_id))
		.leftJoin(run_jobs, eq(run_jobs.id, runs.job_id))
		.leftJoin(events, eq(events.id, incident_links.event_id));

/** What the timeline calls a link's other end. */
export const entryKindOf: Record<LinkKind, 'change' | 'run'> = { job: 'change', run: 'run', event: 'change' };

export const targetOf = (link: Pick<IncidentLink, 'job_id' | 'run_id' | 'event_id'>): number =>
	link.job_id ?? link.run_id ?? link.event_id ?? 0;

/** What the timeline says of a link that came, changed or went. */
export const refOf = (act: 'added' | 'changed' | 'removed', link: IncidentLinkView): EntryRef => ({
	type: 'link',
	act,
	kind: link.kind,
	id: targetOf(link),
	title: link.title,
	as: link.role,
});
