import { sql } from 'drizzle-orm';
import { AgentStatus } from '#domain/agent.ts';
import { Severity } from '#domain/incident.ts';
import { finalRunStatuses } from '#domain/run.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';

/** Of the runs that ended, so many of the latest are looked at. */
const RUNS_SEEN = 5_000;
const HOUR_MS = 3_600_000;

interface Sample {
	labels?: Record<string, string>;
	value: number;
}

/** The hub in numbers, for Prometheus. Every set of labels is a fixed one, and each number is a range of an index or a small table. */
export async function readMetrics(ctx: Ctx, version: string): Promise<string> {
	const now = ctx.now();
	const counts = (from: ReturnType<typeof sql>) =>
		ctx.db.select({ key: sql<string>`key`, n: sql<number>`n` }).from(sql`(${from})`);
	const { rows } = await enter(ctx, 'hub.metrics', null, [
		counts(sql`select status as key, count(*) as n from runs where status in ('queued', 'running') group by status`),
		ctx.db
			.select({ at: sql<number | null>`at` })
			.from(
				sql`(select min(requested_at) as at from runs where status in ('queued', 'running') and status = 'queued')`,
			),
		counts(sql`select status as key, count(*) as n from runs
			where id > (select coalesce(max(id), 0) - ${RUNS_SEEN} from runs) and finished_at > ${now - HOUR_MS} group by status`),
		counts(sql`select status as key, count(*) as n from agents group by status`),
		counts(
			sql`select severity as key, count(*) as n from incidents where status in ('open', 'mitigated') group by severity`,
		),
		counts(sql`select 'waiting' as key, count(*) as n from webhook_deliveries where status = 'pending'
			union all select 'disabled', count(*) from webhooks where status = 'disabled'`),
		counts(sql`select 'unsealed' as key,
			coalesce((select max(id) from audit_logs), 0) - coalesce((select max(audit_id) from audit_seals), 0) as n`),
	]);
	const [open, oldest, ended, agents, incidents, hooks, audit] = rows;
	const of = (found: { key: string; n: number }[], key: string) => found.find((row) => row.key === key)?.n ?? 0;
	const by = (label: string, values: readonly string[], found: { key: string; n: number }[]): Sample[] =>
		values.map((value) => ({ labels: { [label]: value }, value: of(found, value) }));
	const since = oldest[0]?.at ?? null;
	return [
		gauge('uhub_info', 'The hub that answers.', [{ labels: { version }, value: 1 }]),
		gauge('uhub_runs', 'Runs that are not over.', by('status', ['queued', 'running'], open)),
		gauge('uhub_runs_queue_oldest_seconds', 'For how long the first of the queue has waited.', [
			{ value: since === null ? 0 : Math.max(0, now - since) / 1000 },
		]),
		gauge('uhub_runs_ended_last_hour', 'Runs that ended in the last hour.', by('status', finalRunStatuses, ended)),
		gauge('uhub_agents', 'Agents by status.', by('status', AgentStatus.options, agents)),
		gauge('uhub_incidents_open', 'Incidents that are open or mitigated.', by('severity', Severity.options, incidents)),
		gauge('uhub_webhook_deliveries_waiting', 'What webhooks are still to be told.', [{ value: of(hooks, 'waiting') }]),
		gauge('uhub_webhooks_disabled', 'Webhooks the hub gave up on.', [{ value: of(hooks, 'disabled') }]),
		gauge('uhub_audit_unsealed', 'Audit rows that are not sealed into the chain yet.', [
			{ value: of(audit, 'unsealed') },
		]),
	].join('');
}

const escaped = (text: string) => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

function gauge(name: string, help: string, samples: readonly Sample[]): string {
	const lines = samples.map(({ labels = {}, value }) => {
		const set = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
		return `${name}${set.length > 0 ? `{${set.join(',')}}` : ''} ${String(value)}\n`;
	});
	return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}
