import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import { EntryKind, type IncidentEntry } from '#domain/incident-entry.ts';
import { incident_entries } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

const flag = z.enum(['true', 'false']).optional();

export const EntryList = z.strictObject({
	...ListQuery,
	sort: sortBy(['at', 'created_at'], 'at'),
	kind: EntryKind.optional(),
	pinned: flag,
	hidden: flag,
});

/** An incident's timeline, in the order things happened. */
export async function listEntries(
	ctx: Ctx,
	incident_id: number,
	query: z.infer<typeof EntryList>,
): Promise<Page<IncidentEntry>> {
	const { at, created_at } = incident_entries;
	const { limit, orderBy, page, where } = keyset(query, { at, created_at }, incident_entries.id);
	const { rows } = await enter(ctx, 'incident.read', ofRow('incident', incident_id), [
		ctx.db
			.select()
			.from(incident_entries)
			.where(
				and(
					eq(incident_entries.incident_id, incident_id),
					where,
					query.kind && eq(incident_entries.kind, query.kind),
					query.pinned && eq(incident_entries.pinned, query.pinned === 'true'),
					query.hidden && eq(incident_entries.hidden, query.hidden === 'true'),
					holds(incident_entries.body, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
