import type { PostMortem } from '#domain/postmortem.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { ofIncident } from './rows.ts';

export async function readPostMortem(ctx: Ctx, incident_id: number): Promise<PostMortem> {
	const { rows } = await enter(ctx, 'postmortem.read', ofRow('incident', incident_id), [ofIncident(ctx, incident_id)]);
	return one(rows[0], 'post-mortem');
}
