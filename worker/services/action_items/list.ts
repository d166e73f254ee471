import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import { type ActionItem, ActionState } from '#domain/postmortem.ts';
import { Priority } from '#domain/priority.ts';
import { action_items } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { ofIncident } from '../postmortems/rows.ts';
import { postmortemOf } from './rows.ts';

export const ActionList = z.strictObject({
	...ListQuery,
	sort: sortBy(['created_at', 'updated_at', 'title'], 'created_at'),
	state: ActionState.optional(),
	priority: Priority.optional(),
	owner_id: z.coerce.number().pipe(Id).optional(),
});

/** The actions of a post-mortem. */
export async function listActions(
	ctx: Ctx,
	incident_id: number,
	query: z.infer<typeof ActionList>,
): Promise<Page<ActionItem>> {
	const { created_at, updated_at, title } = action_items;
	const { limit, orderBy, page, where } = keyset(query, { created_at, updated_at, title }, action_items.id);
	const { rows } = await enter(ctx, 'postmortem.read', ofRow('incident', incident_id), [
		ofIncident(ctx, incident_id),
		ctx.db
			.select()
			.from(action_items)
			.where(
				and(
					eq(action_items.postmortem_id, postmortemOf(incident_id)),
					where,
					query.state && eq(action_items.state, query.state),
					query.priority && eq(action_items.priority, query.priority),
					query.owner_id ? eq(action_items.owner_id, query.owner_id) : undefined,
					holds(title, query.q),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	one(rows[0], 'post-mortem');
	return page(rows[1]);
}
