import { eq } from 'drizzle-orm';
import type { Group } from '#domain/group.ts';
import { groups } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter } from '../gate.ts';
import { selectGroups } from './rows.ts';

export async function readGroup(ctx: Ctx, id: number): Promise<Group> {
	const { rows } = await enter(ctx, 'group.read', null, [selectGroups(ctx).where(eq(groups.id, id))]);
	return one(rows[0], 'group');
}
