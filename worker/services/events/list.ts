import { and, eq, getTableColumns, gte, lt } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery, Time } from '#domain/common.ts';
import type { Event } from '#domain/event.ts';
import { EventType } from '#domain/event-type.ts';
import { events } from '../../db/client.ts';
import { bound } from '../../db/planned.ts';
import { type TextOf, textOf } from '../../db/row-text.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';

export const EventList = z.strictObject({
	...ListQuery,
	sort: sortBy(['start', 'created_at'], 'start'),
	event_type: EventType.optional(),
	job_id: z.coerce.number().pipe(Id).optional(),
	/** Entries that start at or after this. */
	from: Time.optional(),
	/** Entries that start before this. */
	to: Time.optional(),
});

const row = textOf(getTableColumns(events));

export async function listEvents(
	ctx: Ctx,
	project_id: number,
	query: z.infer<typeof EventList>,
): Promise<TextOf<Page<Event>>> {
	const { start, created_at } = events;
	const { limit, orderBy, pageText, where } = keyset(query, { start, created_at }, events.id);
	const { rows } = await enter(ctx, 'event.list', inProject(project_id), [
		ctx.db
			.select({ row })
			.from(events)
			.where(
				and(
					eq(events.project_id, bound(project_id)),
					where,
					query.event_type && eq(events.event_type, query.event_type),
					query.job_id ? eq(events.job_id, query.job_id) : undefined,
					query.from ? gte(events.start, query.from) : undefined,
					query.to ? lt(events.start, query.to) : undefined,
					holds(events.title, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return pageText(rows[0]);
}
