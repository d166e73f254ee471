import type { Freeze } from '#domain/freeze.ts';
import type { Ctx } from '../context.ts';
import { enterFreeze } from './rows.ts';

export const readFreeze = async (ctx: Ctx, id: number): Promise<Freeze> =>
	(await enterFreeze(ctx, 'freeze.read', id)).freeze;
