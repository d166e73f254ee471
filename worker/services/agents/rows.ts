import { eq, getTableColumns, sql } from 'drizzle-orm';
import type { Agent, HostReport } from '#domain/agent.ts';
import { agents, server_statuses } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { visibleProjects } from '../gate.ts';
import { omit } from '../omit.ts';

const report = omit(getTableColumns(server_statuses), 'id', 'agent_id', 'span_min');

/** Agents with the latest report of their host. */
export const agentQuery = (ctx: Ctx) =>
	ctx.db
		.select({ agent: agents, host: report })
		.from(agents)
		.leftJoin(
			server_statuses,
			eq(
				server_statuses.id,
				sql`(select s.id from server_statuses s where s.agent_id = ${agents.id} order by s.snapshot_time desc limit 1)`,
			),
		);

export const agentOf = ({ agent, host }: { agent: Omit<Agent, 'host'>; host: HostReport | null }): Agent => ({
	...agent,
	host,
});

/** The agents that serve a project the person may see; an admin's are all of them. */
export const visibleAgent = (ctx: Ctx) =>
	sql`(${agents.project_ids} is null or exists (select 1 from json_each(${agents.project_ids}) where value in ${visibleProjects(ctx)}))`;
