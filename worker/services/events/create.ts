import type { Event, EventCreate } from '#domain/event.ts';
import { events } from '../../db/client.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import { assertLength } from './length.ts';

/** An entry of the calendar that is nobody's projection. */
export async function createEvent(ctx: Ctx, project_id: number, input: EventCreate): Promise<Event> {
	assertLength(input);
	const { actor, project } = await enter(ctx, 'event.create', inProject(project_id), []);
	assertWritable(project);
	const [rows] = await commit(ctx, actor, {
		expect: [writable(project_id)],
		statements: [
			ctx.db
				.insert(events)
				.values({ ...input, project_id, ...created(ctx) })
				.returning(),
		],
		audit: [
			{
				action: 'event.create',
				object_type: 'Event',
				object_id: lastInserted('events'),
				project_id,
				metadata: { title: input.title, start: input.start, end: input.end },
			},
		],
	});
	const event = one(rows, 'event');
	ctx.after(ctx.live.changed([{ project_id, entity: 'event', id: event.id, row: event }]));
	return event;
}
