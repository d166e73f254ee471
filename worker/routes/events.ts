import { Hono } from 'hono';
import { z } from 'zod';
import { pageOf } from '#domain/common.ts';
import { CalendarEntry } from '#domain/calendar-entry.ts';
import { Event, EventCreate, EventPatch } from '#domain/event.ts';
import { ifMatch, posted, row, settled, text } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { CalendarQuery, readCalendar } from '#worker/services/events/calendar.ts';
import { createEvent } from '#worker/services/events/create.ts';
import { deleteEvent } from '#worker/services/events/delete.ts';
import { EventList, listEvents } from '#worker/services/events/list.ts';
import { readEvent } from '#worker/services/events/read.ts';
import { updateEvent } from '#worker/services/events/update.ts';

export const events = new Hono<AppEnv>()
	.get(
		'/projects/:id/events',
		describe('event.list', "A project's entries in the calendar", { schema: pageOf(Event) }),
		idIn('project'),
		query(EventList),
		async (c) => text(c, await listEvents(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/events',
		describe('event.create', 'Add an entry that is no job', { status: 201, schema: Event }),
		idIn('project'),
		json(EventCreate),
		(c) => posted(c, 201, (ctx) => createEvent(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get('/events/:id', describe('event.read', 'One entry', { schema: Event }), idIn('event'), async (c) =>
		row(c, await readEvent(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/events/:id',
		describe('event.update', "Change an entry; a job's can be moved, and the job moves with it", { schema: Event }),
		idIn('event'),
		json(EventPatch),
		async (c) =>
			row(c, await settled(() => updateEvent(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/events/:id',
		describe('event.delete', 'Remove an entry that is no job', { status: 204 }),
		idIn('event'),
		async (c) => {
			await settled(() => deleteEvent(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.get(
		'/calendar',
		describe('event.calendar', "A window of the calendar, in FullCalendar's event format", {
			schema: z.array(CalendarEntry),
		}),
		query(CalendarQuery),
		async (c) => c.json(await readCalendar(c.var.ctx, c.req.valid('query'))),
	);
