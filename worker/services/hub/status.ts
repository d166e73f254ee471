import { sql, type SQL } from 'drizzle-orm';
import { AgentStatus } from '#domain/agent.ts';
import type { HubStatus } from '#domain/hub.ts';
import { Severity } from '#domain/incident.ts';
import type { Action } from '#domain/permissions.ts';
import { finalRunStatuses } from '#domain/run.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { failures, failuresQuery, mailCounts } from '../mails/rows.ts';

/** Of the runs that ended, so many of the latest are looked at. */
const RUNS_SEEN = 5_000;
const HOUR_MS = 3_600_000;

const byKey = <const K extends string>(keys: readonly K[], found: readonly { key: string; n: number }[]) =>
	Object.fromEntries(keys.map((key) => [key, found.find((row) => row.key === key)?.n ?? 0])) as Record<K, number>;

/** The hub in numbers. Each is a range of an index or a small table. */
export async function readStatus(ctx: Ctx, action: Action, version: string): Promise<HubStatus> {
	const now = ctx.now();
	const counts = (from: SQL) => ctx.db.select({ key: sql<string>`key`, n: sql<number>`n` }).from(sql`(${from})`);
	const began = performance.now();
	const { rows } = await enter(ctx, action, null, [
		counts(sql`select status as key, count(*) as n from runs where status in ('queued', 'running') group by status`),
		counts(
			sql`select 'since' as key, min(requested_at) as n from runs where status in ('queued', 'running') and status = 'queued'`,
		),
		counts(sql`select status as key, count(*) as n from runs
			where id > (select coalesce(max(id), 0) - ${RUNS_SEEN} from runs) and finished_at > ${now - HOUR_MS} group by status`),
		counts(sql`select status as key, count(*) as n from agents group by status`),
		counts(
			sql`select severity as key, count(*) as n from incidents where status in ('open', 'mitigated') group by severity`,
		),
		counts(sql`select 'waiting' as key, count(*) as n from webhook_deliveries where status = 'pending'
			union all select 'disabled', count(*) from webhooks where status = 'disabled'
			union all select 'failing', count(*) from webhooks where status = 'active' and failing_since is not null`),
		counts(sql`select 'rows' as key, coalesce((select max(id) from audit_logs), 0) as n
			union all select 'sealed', coalesce((select max(audit_id) from audit_seals), 0)
			union all select 'since', (select timestamp from audit_logs
				where id > coalesce((select max(audit_id) from audit_seals), 0) order by id limit 1)`),
		counts(sql`select 'active' as key, count(*) as n from users where is_active = 1
			union all select 'sessions', count(*) from sessions where expires_at > ${now}
			union all select 'tokens', count(*) from api_tokens where expires_at > ${now}`),
		counts(mailCounts(now)),
		failuresQuery(ctx),
		ctx.db.run(sql`select 1`),
	]);
	const record_ms = Math.max(0, performance.now() - began);
	const [open, waits, ended, agents, incidents, hooks, audit, people, mails, unsent, told] = rows;
	const { way, problems } = ctx.mail();
	const iso = (ms: number | null | undefined) => (ms ? new Date(ms).toISOString() : null);
	const audited = byKey(['rows', 'sealed'], audit);
	return {
		version,
		at: new Date(now).toISOString(),
		record_ms: Math.round(record_ms * 10) / 10,
		record_bytes: told.meta.size_after > 0 ? told.meta.size_after : null,
		runs: {
			...byKey(['queued', 'running'], open),
			oldest_queued_at: iso(waits[0]?.n),
			ended_last_hour: byKey(finalRunStatuses, ended),
		},
		agents: byKey(AgentStatus.options, agents),
		incidents: byKey(Severity.options, incidents),
		webhooks: byKey(['waiting', 'failing', 'disabled'], hooks),
		mails: {
			way: way?.kind ?? null,
			problems,
			...byKey(['waiting', 'failed_last_day'], mails),
			failures: failures(unsent),
		},
		audit: {
			rows: audited.rows,
			unsealed: Math.max(0, audited.rows - audited.sealed),
			oldest_unsealed_at: iso(audit.find(({ key }) => key === 'since')?.n),
		},
		people: byKey(['active', 'sessions', 'tokens'], people),
	};
}
