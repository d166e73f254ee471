import { and, eq } from 'drizzle-orm';
import type { Agent } from '#domain/agent.ts';
import { agents } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter } from '../gate.ts';
import { agentOf, agentQuery, visibleAgent } from './rows.ts';

export async function readAgent(ctx: Ctx, id: number): Promise<Agent> {
	const { rows } = await enter(ctx, 'agent.read', null, [
		agentQuery(ctx).where(and(eq(agents.id, id), visibleAgent(ctx))),
	]);
	return agentOf(one(rows[0], 'agent'));
}
