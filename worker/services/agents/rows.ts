import { eq, getTableColumns, sql } from 'drizzle-orm';
import type { Agent, HostReport } from '#domain/agent.ts';
import { agents, server_statuses } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { visibleProjects } from '../gate.ts';
import { omit } from '../omit.ts';

const report = omit(getTableColumns(server_statuses), 'id', 'agent_id', 'span_min');

/** Agents with the latest report of their host, and how many runs they have. */
export const agentQuery = (ctx: Ctx) =>
	ctx.db
		.select({
			agent: agents,
			host: report,
			busy: sql<number>`(select count(*) from runs where runs.agent_id = ${agents.id} and runs.status = 'running')`,
		})
		.from(agents)
		.leftJoin(
			server_statuses,
			eq(
				server_statuses.id,
				sql`(select s.id from server_statuses s where s.agent_id = ${agents.id} order by s.snapshot_time desc limit 1)`,
			),
		);

/** An agent's own row. */
export type AgentRow = Omit<Agent, 'host' | 'busy'>;

export const agentOf = ({ agent, ...beside }: { agent: AgentRow; host: HostReport | null; busy: number }): Agent => ({
	...agent,
	...beside,
});

/** The agents that serve a project the person may see; an admin's are all of them. */
export const visibleAgent = (ctx: Ctx) =>
	sql`(${agents.project_ids} is null or exists (select 1 from json_each(${agents.project_ids}) where value in ${visibleProjects(ctx)}))`;
