import { asc, eq } from 'drizzle-orm';
import { type ActionItem, ACTIONS_MAX } from '#domain/postmortem.ts';
import { action_items } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { ofIncident } from '../postmortems/rows.ts';
import { postmortemOf } from './rows.ts';

/** All actions of a post-mortem: there is a most that it can have, so there is one page. */
export async function listActions(ctx: Ctx, incident_id: number): Promise<{ items: ActionItem[]; next_cursor: null }> {
	const { rows } = await enter(ctx, 'postmortem.read', ofRow('incident', incident_id), [
		ofIncident(ctx, incident_id),
		ctx.db
			.select()
			.from(action_items)
			.where(eq(action_items.postmortem_id, postmortemOf(incident_id)))
			.orderBy(asc(action_items.id))
			.limit(ACTIONS_MAX),
	]);
	one(rows[0], 'post-mortem');
	return { items: rows[1], next_cursor: null };
}
