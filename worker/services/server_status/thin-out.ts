import { sql, type SQL } from 'drizzle-orm';
import { server_statuses } from '../../db/client.ts';
import type { Ctx } from '../context.ts';

/** How long reports are kept by the minute, and how long by the quarter of an hour. */
const FINE_MS = 24 * 3_600_000;
const KEPT_MS = 30 * FINE_MS;
const QUARTER_MS = 15 * 60_000;
/** The most one turn thins out; a hub that was away for long takes a few. */
const AT_ONCE_MS = FINE_MS;

/**
 * The statements that make one row of each agent's quarter of an hour that is a day old, with the means of its reports at the
 * time of the last, and let go of what is older than thirty days. To be run in one batch; once done they find nothing to do.
 */
export function thinOut(ctx: Ctx) {
	const now = ctx.now();
	const due = Math.floor((now - FINE_MS) / QUARTER_MS) * QUARTER_MS;
	// D1 binds every number as a real one, and this must be a whole one.
	const quarterOf = (at: SQL) => sql`cast(${at} / ${QUARTER_MS} as integer)`;
	const oldest = sql`(select min(snapshot_time) from server_statuses where span_min = 1)`;
	const before = sql`min(${due}, ${quarterOf(oldest)} * ${QUARTER_MS} + ${AT_ONCE_MS})`;
	return [
		ctx.db.insert(server_statuses).select(sql`select null, agent_id, max(snapshot_time), cpu_cores, avg(cpu_load_1m),
				avg(cpu_load_5m), avg(cpu_load_15m), ram_total_gib, avg(ram_used_gib), disk_path, disk_total_gib, avg(disk_used_gib),
				avg(disk_free_gib), 15
			from server_statuses where span_min = 1 and snapshot_time < ${before} group by agent_id, ${quarterOf(sql`snapshot_time`)}`),
		ctx.db
			.delete(server_statuses)
			.where(sql`${server_statuses.span_min} = 1 and ${server_statuses.snapshot_time} < ${before}`),
		ctx.db
			.delete(server_statuses)
			.where(sql`${server_statuses.span_min} in (1, 15) and ${server_statuses.snapshot_time} < ${now - KEPT_MS}`),
	] as const;
}
