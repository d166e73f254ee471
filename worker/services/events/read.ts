import { eq } from 'drizzle-orm';
import type { Event } from '#domain/event.ts';
import { events } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';

export async function readEvent(ctx: Ctx, id: number): Promise<Event> {
	const { rows } = await enter(ctx, 'event.read', ofRow('event', id), [
		ctx.db.select().from(events).where(eq(events.id, id)),
	]);
	return one(rows[0], 'event');
}
