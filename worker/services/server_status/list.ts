import { and, eq, getTableColumns, gte, lt, sql } from 'drizzle-orm';
import { z } from 'zod';
import { HostReport } from '#domain/agent.ts';
import { Id, ListQuery, Time } from '#domain/common.ts';
import { agents, server_statuses } from '../../db/client.ts';
import { visibleAgent } from '../agents/rows.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { omit } from '../omit.ts';
import { keyset, type Page, sortBy } from '../list.ts';

const { limit, cursor } = ListQuery;

export const ServerStatusList = z.strictObject({
	limit,
	cursor,
	sort: sortBy(['snapshot_time'], '-snapshot_time'),
	/** One agent's history; without it, the latest of each agent. */
	agent_id: z.coerce.number().pipe(Id).optional(),
	/** Reports from this moment on. */
	from: Time.optional(),
	/** Reports before this moment. */
	to: Time.optional(),
});

export const ServerStatus = HostReport.extend({ id: Id, agent_id: Id });
export type ServerStatus = z.infer<typeof ServerStatus>;

/** How the agents' hosts are, or were. */
export async function listServerStatus(ctx: Ctx, query: z.infer<typeof ServerStatusList>): Promise<Page<ServerStatus>> {
	const { snapshot_time } = server_statuses;
	const { limit, orderBy, page, where } = keyset(query, { snapshot_time }, server_statuses.id);
	const { rows } = await enter(ctx, 'server_status.list', null, [
		ctx.db
			.select(omit(getTableColumns(server_statuses), 'span_min'))
			.from(server_statuses)
			.innerJoin(agents, eq(agents.id, server_statuses.agent_id))
			.where(
				and(
					visibleAgent(ctx),
					where,
					query.from ? gte(snapshot_time, query.from) : undefined,
					query.to ? lt(snapshot_time, query.to) : undefined,
					query.agent_id
						? eq(server_statuses.agent_id, query.agent_id)
						: eq(
								server_statuses.id,
								sql`(select s.id from server_statuses s where s.agent_id = ${agents.id} order by s.snapshot_time desc limit 1)`,
							),
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
