import { and, eq, sql, type SQL } from 'drizzle-orm';
import { invalid } from '#domain/errors.ts';
import { action_items, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

export const postmortemOf = (incident_id: number): SQL<number> =>
	sql<number>`(select id from postmortems where incident_id = ${incident_id})`;

/** One action of an incident's post-mortem. */
export const actionQuery = (ctx: Ctx, incident_id: number, id: number) =>
	ctx.db
		.select()
		.from(action_items)
		.where(and(eq(action_items.id, id), eq(action_items.postmortem_id, postmortemOf(incident_id))));

/** Who an action names, for a batch. */
export const ownerQuery = (ctx: Ctx, owner_id: number | null | undefined) =>
	ctx.db
		.select({ id: users.id })
		.from(users)
		.where(and(eq(users.id, owner_id ?? 0), eq(users.is_active, true)));

export function assertOwner(owner_id: number | null | undefined, found: readonly { id: number }[]): void {
	if (owner_id && found.length === 0) throw invalid('owner_id', 'there is no such active user');
}
