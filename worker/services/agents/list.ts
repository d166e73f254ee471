import { and, eq } from 'drizzle-orm';
import { z } from 'zod';
import { type Agent, AgentStatus } from '#domain/agent.ts';
import { ListQuery } from '#domain/common.ts';
import { agents } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { holds, keyset, type Page, sortBy } from '../list.ts';
import { agentOf, agentQuery, visibleAgent } from './rows.ts';

export const AgentList = z.strictObject({
	...ListQuery,
	sort: sortBy(['name', 'created_at'], 'name'),
	status: AgentStatus.optional(),
});

export async function listAgents(ctx: Ctx, query: z.infer<typeof AgentList>): Promise<Page<Agent>> {
	const { name, created_at } = agents;
	const { limit, orderBy, page, where } = keyset(query, { name, created_at }, agents.id);
	const { rows } = await enter(ctx, 'agent.list', null, [
		agentQuery(ctx)
			.where(
				and(visibleAgent(ctx), where, query.status && eq(agents.status, query.status), holds(agents.name, query.q)),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0].map(agentOf));
}
