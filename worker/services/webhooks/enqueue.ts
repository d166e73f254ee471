import { type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { Actor } from '#domain/permissions.ts';
import type { WebhookEvent } from '#domain/webhook.ts';
import { webhook_deliveries, webhooks } from '../../db/client.ts';
import type { AuditEntry } from '../commit.ts';
import type { Ctx } from '../context.ts';

/** More than these are not kept waiting for one webhook. */
const WAITING_MAX = 1_000;

type Told = Exclude<WebhookEvent, 'notification' | 'ping'>;

const incidentSteps = ['acknowledge', 'mitigate', 'resolve', 'close', 'reopen', 'hand_over', 'update'];

/** Which audited actions webhooks are told of, and as what. */
const eventOf = new Map<string, Told>([
	['run.start', 'run.queued'],
	['run.ask_approval', 'run.needs_approval'],
	['run.grant', 'run.started'],
	['run.finish', 'run.ended'],
	['incident.create', 'incident.opened'],
	...incidentSteps.map((step): [string, Told] => [`incident.${step}`, 'incident.changed']),
	['postmortem.publish', 'postmortem.published'],
	...['create', 'update', 'delete'].map((verb): [string, Told] => [`freeze.${verb}`, 'freeze.changed']),
]);

const iso = (column: string) => sql.raw(`strftime('%Y-%m-%dT%H:%M:%fZ', ${column} / 1000.0, 'unixepoch')`);

/** What is told of a row, as it is right after the change; a row that is gone is null. */
const told: Record<string, { table: string; columns: readonly string[]; times: readonly string[] }> = {
	Run: {
		table: 'runs',
		columns: [
			'id',
			'job_id',
			'environment_id',
			'status',
			'triggered_by_id',
			'exit_code',
			'duration',
			'attempt',
			'request_hash',
		],
		times: ['requested_at', 'started_at', 'finished_at', 'approval_expires_at'],
	},
	Incident: {
		table: 'incidents',
		columns: ['id', 'title', 'severity', 'status', 'environment_id', 'commander_id'],
		times: ['detected_at', 'acknowledged_at', 'mitigated_at', 'resolved_at', 'closed_at'],
	},
	PostMortem: { table: 'postmortems', columns: ['id', 'incident_id', 'status'], times: ['created_at', 'updated_at'] },
	Freeze: {
		table: 'freezes',
		columns: ['id', 'project_id', 'environment_id', 'title', 'reason'],
		times: ['start', '"end"'],
	},
};

function rowOf(object_type: string, object_id: number | SQL | null): SQL {
	const kind = told[object_type];
	if (!kind || object_id === null) return sql`null`;
	const extra =
		kind.table === 'runs' ? sql`, 'job_title', (select title from jobs where jobs.id = runs.job_id)` : sql``;
	const columns = kind.columns.map((name) => sql.raw(`'${name}', ${name}`));
	const times = kind.times.map((name) => sql`${sql.raw(`'${name.replaceAll('"', '')}'`)}, ${iso(name)}`);
	return sql`(select json_object(${sql.join([...columns, ...times], sql`, `)}${extra}) from ${sql.identifier(kind.table)} where id = ${object_id})`;
}

/**
 * For the batch of a change: what the webhooks that chose it are to be told, so that nothing is told that did not happen and
 * nothing that happened is lost.
 */
export function enqueued(ctx: Ctx, actor: Actor, entries: readonly AuditEntry[]): BatchItem<'sqlite'>[] {
	return entries.flatMap((entry): BatchItem<'sqlite'>[] => {
		const event = eventOf.get(entry.action);
		if (event === undefined) return [];
		const { object_type, object_id, project_id } = entry;
		const payload = sql`json_object(
			'event', ${event},
			'action', ${entry.action},
			'at', ${new Date(ctx.now()).toISOString()},
			'project', (select json_object('id', id, 'name', name) from projects where id = ${project_id}),
			'actor', json_object('kind', ${actor.kind}, 'id', ${actor.kind === 'system' ? null : actor.id}),
			'object_type', ${object_type},
			'object_id', ${object_id},
			'object', json(${rowOf(object_type, object_id)}))`;
		return [enqueue(ctx, event, payload, listening(event, project_id))];
	});
}

const listening = (event: Told, project_id: number | null): SQL => sql`webhooks.user_id is null
	and (webhooks.project_id is null or webhooks.project_id = ${project_id})
	and exists (select 1 from json_each(webhooks.events) where json_each.value = ${event})
	and ${takesMore}`;

const takesMore = sql`webhooks.status = 'active' and (select count(*) from (select 1 from webhook_deliveries waiting
		where waiting.webhook_id = webhooks.id and waiting.status = 'pending' limit ${WAITING_MAX})) < ${WAITING_MAX}`;

/** One delivery for each of these webhooks. */
export const enqueue = (ctx: Ctx, event: WebhookEvent, payload: SQL, which: SQL) =>
	ctx.db
		.insert(webhook_deliveries)
		.select(
			ctx.db
				.select({
					id: sql<number>`null`.as('id'),
					webhook_id: webhooks.id,
					key: sql<string>`'msg_' || lower(hex(randomblob(16)))`.as('key'),
					event: sql<WebhookEvent>`${event}`.as('event'),
					payload: sql<Record<string, unknown>>`${payload}`.as('payload'),
					status: sql<'pending'>`'pending'`.as('status'),
					tries: sql<number>`0`.as('tries'),
					attempts: sql<[]>`'[]'`.as('attempts'),
					next_at: sql<string>`${ctx.now()}`.as('next_at'),
					claimed_until: sql<string | null>`null`.as('claimed_until'),
					created_at: sql<string>`${ctx.now()}`.as('created_at'),
				})
				.from(webhooks)
				.where(which),
		)
		.returning({ id: webhook_deliveries.id });

/** For each notification of these keys that was written just now, a delivery to its person's own webhook. */
export const enqueueFor = (ctx: Ctx, now: number, keys: SQL) =>
	ctx.db
		.insert(webhook_deliveries)
		.select(
			sql`select null, webhooks.id, 'ntf_' || note.id || '_' || webhooks.id, 'notification', json_object(
					'event', 'notification',
					'notification', note.event,
					'at', ${iso('note.created_at')},
					'project', (select json_object('id', id, 'name', name) from projects where id = note.project_id),
					'user_id', note.user_id,
					'object_type', note.object_type,
					'object_id', note.object_id,
					'object', json(note.about)), 'pending', 0, '[]', ${now}, null, ${now}
				from notifications note join webhooks on webhooks.user_id = note.user_id
				where note.dedupe_key in (${keys}) and note.created_at = ${now} and note.webhook = 1 and ${takesMore}`,
		)
		.onConflictDoNothing()
		.returning({ id: webhook_deliveries.id });
