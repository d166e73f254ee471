import { sql } from 'drizzle-orm';
import type { Event, EventCreate } from '#domain/event.ts';
import { events } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertReferences, referenceQueries, stillReferred } from './references.ts';
import { assertSeries, recursUntil } from '../series.ts';
import { assertLength } from './length.ts';

/** An entry of the calendar that is nobody's projection. */
export async function createEvent(ctx: Ctx, project_id: number, input: EventCreate): Promise<Event> {
	assertLength(input);
	assertSeries(input);
	const { actor, project, rows } = await enter(
		ctx,
		'event.create',
		inProject(project_id),
		referenceQueries(ctx, sql`${project_id}`, input),
	);
	assertWritable(project);
	assertReferences(input, ...rows);
	const [made] = await commit(ctx, actor, {
		expect: [writable(project_id), ...stillReferred(project_id, input)],
		statements: [
			ctx.db
				.insert(events)
				.values({ ...input, recurs_until: recursUntil(input), project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'event.create',
				object_type: 'Event',
				object_id: lastInserted('events'),
				project_id,
				metadata: { title: input.title, start: input.start, end: input.end, recurrence: input.recurrence },
			},
		],
	});
	const event = one(made, 'event');
	ctx.after(ctx.live.changed([{ project_id, entity: 'event', id: event.id, row: event }]));
	return event;
}
