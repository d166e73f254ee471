import { and, eq } from 'drizzle-orm';
import type { Agent, AgentStatus } from '#domain/agent.ts';
import type { Action } from '#domain/permissions.ts';
import { agents } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { edited, editEntry, one, unchanged } from '../edit.ts';
import { enter } from '../gate.ts';
import { agentOf, agentQuery } from './rows.ts';

/** Sets an agent's status by hand, where `allowed` (which throws) lets it, and tells its link. */
export async function setAgentStatus(
	ctx: Ctx,
	action: Action,
	id: number,
	status: AgentStatus,
	allowed: (agent: Agent) => void,
): Promise<Agent> {
	const { actor, rows } = await enter(ctx, action, null, [agentQuery(ctx).where(eq(agents.id, id))]);
	const before = agentOf(one(rows[0], 'agent'));
	allowed(before);
	const [after] = await commit(ctx, actor, {
		expect: [unchanged(agents, before)],
		statements: [
			ctx.db
				.update(agents)
				.set({ status, ...edited(ctx, before) })
				.where(and(eq(agents.id, id), eq(agents.version, before.version)))
				.returning(),
		],
		audit: [editEntry(action, 'Agent', before, null, { status: { from: before.status, to: status } })],
	});
	ctx.after(ctx.live.agentChanged(id));
	return { ...before, ...one(after, 'agent') };
}
