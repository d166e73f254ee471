import { eq } from 'drizzle-orm';
import type { IncidentView } from '#domain/incident.ts';
import { incidents } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { viewOf } from './rows.ts';

export async function readIncident(ctx: Ctx, id: number): Promise<IncidentView> {
	const { rows } = await enter(ctx, 'incident.read', ofRow('incident', id), [
		ctx.db.select().from(incidents).where(eq(incidents.id, id)),
	]);
	return viewOf(one(rows[0], 'incident'));
}
