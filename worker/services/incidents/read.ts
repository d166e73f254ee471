import { eq } from 'drizzle-orm';
import type { IncidentDetail } from '#domain/incident.ts';
import { incidents } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { headOf } from '../postmortems/rows.ts';
import { viewOf } from './rows.ts';

export async function readIncident(ctx: Ctx, id: number): Promise<IncidentDetail> {
	const { rows } = await enter(ctx, 'incident.read', ofRow('incident', id), [
		ctx.db.select().from(incidents).where(eq(incidents.id, id)),
		headOf(ctx, id),
	]);
	return { ...viewOf(one(rows[0], 'incident')), postmortem: rows[1][0] ?? null };
}
