import { and, or } from 'drizzle-orm';
import { z } from 'zod';
import { ListQuery } from '#domain/common.ts';
import type { Group } from '#domain/group.ts';
import { groups } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { selectGroups } from './rows.ts';

export const GroupList = z.strictObject({ ...ListQuery, sort: sortBy(['name', 'created_at'], 'name') });

/** The groups of the hub. Everybody may see them, for whoever owns a project chooses among them; who is in them, admins see. */
export async function listGroups(ctx: Ctx, query: z.infer<typeof GroupList>): Promise<Page<Group>> {
	const { name, created_at, description } = groups;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at }, groups.id);
	const { rows } = await enter(ctx, 'group.list', null, [
		selectGroups(ctx)
			.where(and(where, or(holds(name, query.q), holds(description, query.q))))
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
