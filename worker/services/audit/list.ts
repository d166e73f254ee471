import { and, eq, getTableColumns, gte, lt } from 'drizzle-orm';
import { z } from 'zod';
import { ActorKind, type AuditLog } from '#domain/audit.ts';
import { Id, ListQuery, Time } from '#domain/common.ts';
import { audit_logs, audit_seals } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { keyset, type Page, sortBy } from '../list.ts';

const { limit, cursor } = ListQuery;
const id = z.coerce.number().pipe(Id).optional();

export const AuditList = z.strictObject({
	limit,
	cursor,
	sort: sortBy(['id'], '-id'),
	action: z.string().max(60).optional(),
	object_type: z.string().max(60).optional(),
	object_id: id,
	project_id: id,
	user_id: id,
	actor_kind: ActorKind.optional(),
	from: Time.optional(),
	to: Time.optional(),
});

/** What happened in the hub, newest first. `hash` is null until the row is sealed into the chain. */
export async function listAudit(ctx: Ctx, query: z.infer<typeof AuditList>): Promise<Page<AuditLog>> {
	const { limit, orderBy, page, where } = keyset(query, { id: audit_logs.id }, audit_logs.id);
	const by = (['action', 'object_type', 'object_id', 'project_id', 'user_id', 'actor_kind'] as const).map((name) => {
		const value = query[name];
		return value === undefined ? undefined : eq(audit_logs[name], value);
	});
	const { rows } = await enter(ctx, 'audit.list', null, [
		ctx.db
			.select({ ...getTableColumns(audit_logs), prev_hash: audit_seals.prev_hash, hash: audit_seals.hash })
			.from(audit_logs)
			.leftJoin(audit_seals, eq(audit_seals.audit_id, audit_logs.id))
			.where(
				and(
					where,
					...by,
					query.from ? gte(audit_logs.timestamp, query.from) : undefined,
					query.to ? lt(audit_logs.timestamp, query.to) : undefined,
				),
			)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	return page(rows[0]);
}
