import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type IncidentLinkView, JobRole, LinkKind } from '#domain/incident-link.ts';
import { incident_links } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { linksQuery, linkTitle } from './rows.ts';

const id = z.coerce.number().pipe(Id).optional();

export const LinkList = z.strictObject({
	...ListQuery,
	sort: sortBy(['created_at', 'updated_at'], 'created_at'),
	kind: LinkKind.optional(),
	role: JobRole.optional(),
	job_id: id,
	run_id: id,
	event_id: id,
});

/** What an incident is linked to; `q` looks in the titles of the other ends. */
export async function listLinks(
	ctx: Ctx,
	incident_id: number,
	query: z.infer<typeof LinkList>,
): Promise<Page<IncidentLinkView>> {
	const { created_at, updated_at } = incident_links;
	const { limit, orderBy, page, where } = keyset(query, { created_at, updated_at }, incident_links.id);
	const by = (['kind', 'role', 'job_id', 'run_id', 'event_id'] as const).map((name) => {
		const value = query[name];
		return value === undefined ? undefined : eq(incident_links[name], value);
	});
	const { rows } = await enter(ctx, 'incident.read', ofRow('incident', incident_id), [
		linksQuery(ctx)
			.where(and(eq(incident_links.incident_id, incident_id), where, ...by, holds(linkTitle, query.q)))
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
