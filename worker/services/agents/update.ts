import { and, eq } from 'drizzle-orm';
import type { Agent, AgentPatch } from '#domain/agent.ts';
import { agents } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertFresh, changesOf, edited, editEntry, isEmpty, one, unchanged } from '../edit.ts';
import { enter } from '../gate.ts';
import { assertProjects, namedProjects } from './projects.ts';
import { tellAgent } from './seen.ts';
import { agentOf, agentQuery } from './rows.ts';

export async function updateAgent(ctx: Ctx, id: number, version: number, patch: AgentPatch): Promise<Agent> {
	const { actor, rows } = await enter(ctx, 'agent.update', null, [
		agentQuery(ctx).where(eq(agents.id, id)),
		namedProjects(ctx, patch.project_ids),
	]);
	const before = agentOf(one(rows[0], 'agent'));
	await assertFresh(ctx, 'Agent', before, version);
	assertProjects(patch.project_ids, rows[1]);
	const changes = changesOf(before, patch);
	if (isEmpty(changes)) return before;

	const [after] = await commit(ctx, actor, {
		expect: [unchanged(agents, before)],
		statements: [
			ctx.db
				.update(agents)
				.set({ ...patch, ...edited(ctx, before) })
				.where(and(eq(agents.id, id), eq(agents.version, before.version)))
				.returning(),
		],
		audit: [editEntry('agent.update', 'Agent', before, null, changes)],
	});
	const agent = one(after, 'agent');
	// Its link first: a project that hears of it may have a run for it at once.
	ctx.after(ctx.live.agentChanged(id).then(() => tellAgent(ctx, agent)));
	return { ...before, ...agent };
}
