import { asc, eq } from 'drizzle-orm';
import { type IncidentLinkView, LINKS_MAX } from '#domain/incident-link.ts';
import { incident_links } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { linksQuery } from './rows.ts';

/** All of an incident's links: there is a most that it can have, so there is one page. */
export async function listLinks(
	ctx: Ctx,
	incident_id: number,
): Promise<{ items: IncidentLinkView[]; next_cursor: null }> {
	const { rows } = await enter(ctx, 'incident.read', ofRow('incident', incident_id), [
		linksQuery(ctx).where(eq(incident_links.incident_id, incident_id)).orderBy(asc(incident_links.id)).limit(LINKS_MAX),
	]);
	return { items: rows[0], next_cursor: null };
}
