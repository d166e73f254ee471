import { and, eq, gte, lt, sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import type { HostHistory } from '#domain/host.ts';
import { Id, Time } from '#domain/common.ts';
import { invalid } from '#domain/errors.ts';
import { agents, server_statuses } from '../../db/client.ts';
import { visibleAgent } from '../agents/rows.ts';
import type { Ctx } from '../context.ts';
import { one } from '../edit.ts';
import { enter } from '../gate.ts';

/** Reports come once a minute: finer spans would be empty. */
const SPAN_MIN_MS = 60_000;
/** Nothing older is kept. */
const WINDOW_MAX_MS = 31 * 86_400_000;

export const HostHistoryQuery = z
	.strictObject({
		agent_id: z.coerce.number().pipe(Id),
		from: Time,
		/** Now, where it is left out. */
		to: Time.optional(),
		/** The most points that are wanted. */
		points: z.coerce.number().int().min(2).max(500).default(240),
	})
	.refine(({ from, to }) => to === undefined || from < to, { path: ['to'], message: 'must be after from' });

/** How an agent's host was in a window, in at most as many points as were asked for. */
export async function readHostHistory(ctx: Ctx, query: z.infer<typeof HostHistoryQuery>): Promise<HostHistory> {
	const { agent_id, from, to = new Date(ctx.now()).toISOString(), points } = query;
	const [low, high] = [Date.parse(from), Date.parse(to)];
	if (low >= high) throw invalid('from', 'must not be in the future');
	if (high - low > WINDOW_MAX_MS) throw invalid('to', 'at most 31 days after from');
	const minutes = Math.ceil((high - low) / points / SPAN_MIN_MS);
	const span_ms = minutes * SPAN_MIN_MS;
	// A point's place does not move as the window does, or its line would tremble.
	// D1 binds every number as a real one.
	const span = sql<number>`cast(${server_statuses.snapshot_time} / ${span_ms} as integer)`;
	const mean = (column: SQL.Aliased | SQL) => sql<number>`round(avg(${column}), 3)`;
	const of = (column: keyof typeof server_statuses._.columns) => server_statuses[column].getSQL();
	const { rows } = await enter(ctx, 'server_status.history', null, [
		ctx.db
			.select({ id: agents.id })
			.from(agents)
			.where(and(eq(agents.id, agent_id), visibleAgent(ctx))),
		ctx.db
			.select({
				span,
				cpu_load_1m: mean(of('cpu_load_1m')),
				cpu_load_1m_max: sql<number>`max(${server_statuses.cpu_load_1m})`,
				cpu_load_5m: mean(of('cpu_load_5m')),
				cpu_load_15m: mean(of('cpu_load_15m')),
				cpu_cores: sql<number>`max(${server_statuses.cpu_cores})`,
				ram_used_gib: mean(of('ram_used_gib')),
				ram_total_gib: sql<number>`max(${server_statuses.ram_total_gib})`,
				disk_used_gib: mean(of('disk_used_gib')),
				disk_total_gib: sql<number>`max(${server_statuses.disk_total_gib})`,
			})
			.from(server_statuses)
			.where(
				and(
					eq(server_statuses.agent_id, agent_id),
					gte(server_statuses.snapshot_time, from),
					lt(server_statuses.snapshot_time, to),
				),
			)
			.groupBy(span)
			.orderBy(span)
			// A window that begins inside a span touches one more.
			.limit(points + 1),
	]);
	one(rows[0], 'agent');
	return {
		agent_id,
		from,
		to,
		span_ms,
		points: rows[1].map(({ span, ...means }) => ({ at: new Date(span * span_ms).toISOString(), ...means })),
	};
}
