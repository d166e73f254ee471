import { sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { DomainError } from '#domain/errors.ts';
import type { Action, Actor } from '#domain/permissions.ts';
import { audit_logs, idempotency_keys } from '../db/client.ts';
import type { Ctx } from './context.ts';
import { touchesOf } from './live/touches.ts';
import { notified } from './notifications/enqueue.ts';
import { pass } from './notifications/pass.ts';
import { enqueued } from './webhooks/enqueue.ts';

/** What happened, for the audit row that is written with it. `object_id` may be SQL for a row the batch itself inserts. */
export interface AuditEntry {
	action: Action | (string & {});
	object_type: string;
	object_id: number | SQL | null;
	project_id: number | null;
	metadata?: Record<string, unknown>;
}

/** The id of the row the latest insert of this batch made. */
export const lastInserted = (table: string): SQL => sql`(select seq from sqlite_sequence where name = ${table})`;

/**
 * Writes in one atomic batch: the `expect`ations, the statements, the audit row, the claim of the Idempotency-Key.
 * An expectation that does not hold aborts the whole (SQLite raises "malformed JSON" for it) and throws `LostRace`.
 */
export async function commit<const Q extends readonly BatchItem<'sqlite'>[]>(
	ctx: Ctx,
	actor: Actor,
	work: { expect?: SQL[]; statements: Q; audit: AuditEntry[] },
): Promise<{ [K in keyof Q]: Q[K]['_']['result'] }> {
	const { db } = ctx;
	const before = (work.expect ?? []).map((holds) =>
		db.select({ ok: sql`case when ${holds} then 1 else json('lost race') end` }).from(sql`(select 1)`),
	);
	const after: BatchItem<'sqlite'>[] = work.audit.map((entry) =>
		db.insert(audit_logs).values(auditRow(ctx, actor, entry)),
	);
	if (ctx.idempotency && actor.kind === 'user')
		after.push(
			db.insert(idempotency_keys).values({
				...{ user_id: actor.id, ...ctx.idempotency, created_at: new Date(ctx.now()).toISOString() },
				...{ object_type: work.audit[0]?.object_type, object_id: work.audit[0]?.object_id },
			}),
		);
	const told = [...enqueued(ctx, actor, work.audit), ...notified(ctx, actor, work.audit)];
	const [first, ...rest] = [...before, ...work.statements, ...after, ...told];
	if (!first) return [] as { [K in keyof Q]: Q[K]['_']['result'] };
	try {
		const results: unknown[] = await db.batch([first, ...rest]);
		const people = told.length > 0 ? pass(ctx, results.slice(-told.length)) : [];
		const touches = [...touchesOf(actor, work.audit), ...people];
		if (touches.length > 0) ctx.after(ctx.live.touched(touches));
		return results.slice(before.length, before.length + work.statements.length) as {
			[K in keyof Q]: Q[K]['_']['result'];
		};
	} catch (error) {
		throw asDomainError(error);
	}
}

/** A row, or a state it rested on, changed between the reading and the writing. Nothing was written. */
export class LostRace extends Error {}

function auditRow(ctx: Ctx, actor: Actor, entry: AuditEntry) {
	return {
		timestamp: new Date(ctx.now()).toISOString(),
		user_id: actor.kind === 'user' ? actor.id : null,
		actor_kind: actor.kind === 'user' && actor.token ? ('token' as const) : actor.kind,
		actor_id: actor.kind === 'agent' ? actor.id : actor.kind === 'user' ? (actor.token?.id ?? null) : null,
		action: entry.action,
		object_type: entry.object_type,
		object_id: entry.object_id,
		project_id: entry.project_id,
		metadata: entry.metadata ?? {},
		ip: ctx.ip,
		request_id: ctx.request_id,
	};
}

/** D1 tells its errors as text only; the driver's own may be wrapped in Drizzle's. */
function asDomainError(error: unknown): unknown {
	const text =
		error instanceof Error ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}` : '';
	if (text.includes('malformed JSON')) return new LostRace();
	const unique = /UNIQUE constraint failed: (\w+)\.(\w+)(?:, \w+\.(\w+))*/.exec(text);
	if (unique?.[1] === 'idempotency_keys')
		return new DomainError('conflict', 'The first request with this Idempotency-Key was carried out.');
	if (unique) {
		const path = unique[3] ?? unique[2] ?? '';
		return new DomainError('conflict', `Another one has this ${path} already.`, {
			errors: [{ path, message: 'is taken' }],
		});
	}
	return error;
}
