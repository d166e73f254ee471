import { Hono } from 'hono';
import { z } from 'zod';
import { pageOf } from '#domain/common.ts';
import { CalendarState, Freeze, FreezeCreate, FreezePatch, FreezeTime } from '#domain/freeze.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { CalendarStateQuery, readCalendarState } from '#worker/services/calendar/state.ts';
import { CalendarQuery } from '#worker/services/events/calendar.ts';
import { createFreeze } from '#worker/services/freezes/create.ts';
import { deleteFreeze } from '#worker/services/freezes/delete.ts';
import { FreezeList, listFreezes } from '#worker/services/freezes/list.ts';
import { readFreeze } from '#worker/services/freezes/read.ts';
import { readFreezeTimes } from '#worker/services/freezes/times.ts';
import { updateFreeze } from '#worker/services/freezes/update.ts';

export const freezes = new Hono<AppEnv>()
	.get(
		'/freezes',
		describe('freeze.list', 'The freezes of the projects you may see, and those of all projects', {
			schema: pageOf(Freeze),
		}),
		query(FreezeList),
		async (c) => c.json(await listFreezes(c.var.ctx, c.req.valid('query'))),
	)
	.post(
		'/freezes',
		describe('freeze.create', 'Close a window of an environment, a project or (project_id null) everything', {
			status: 201,
			schema: Freeze,
		}),
		json(FreezeCreate),
		(c) => posted(c, 201, (ctx) => createFreeze(ctx, c.req.valid('json'))),
	)
	.get('/freezes/:id', describe('freeze.read', 'One freeze', { schema: Freeze }), idIn('freeze'), async (c) =>
		row(c, await readFreeze(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/freezes/:id',
		describe('freeze.update', 'Change a freeze', { schema: Freeze }),
		idIn('freeze'),
		json(FreezePatch),
		async (c) =>
			row(c, await settled(() => updateFreeze(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete('/freezes/:id', describe('freeze.delete', 'Lift a freeze', { status: 204 }), idIn('freeze'), async (c) => {
		await settled(() => deleteFreeze(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
		return c.body(null, 204);
	})
	.get(
		'/calendar/freezes',
		describe('freeze.times', 'When freezes are on, in a window of the calendar', { schema: z.array(FreezeTime) }),
		query(CalendarQuery),
		async (c) => c.json(await readFreezeTimes(c.var.ctx, c.req.valid('query'))),
	)
	.get(
		'/calendar/state',
		describe('calendar.state', 'Whether something may start there and then, and when that changes', {
			schema: CalendarState,
		}),
		query(CalendarStateQuery),
		async (c) => c.json(await readCalendarState(c.var.ctx, c.req.valid('query'))),
	);
