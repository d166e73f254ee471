import { and, eq, getTableColumns, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import type { AuditLog } from '#domain/audit.ts';
import { ListQuery } from '#domain/common.ts';
import { audit_logs, audit_seals } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { fewOrMany, lettersIn } from '../few-or-many.ts';
import { enter } from '../gate.ts';
import { keyset, type Page, sortBy } from '../list.ts';
import { auditFilter, matching } from './filter.ts';

const { limit, cursor } = ListQuery;

export const AuditList = z.strictObject({ ...auditFilter, limit, cursor, sort: sortBy(['id'], '-id') });

/** What happened in the hub, newest first. `hash` is null until the row is sealed into the chain. */
export async function listAudit(ctx: Ctx, query: z.infer<typeof AuditList>): Promise<Page<AuditLog>> {
	const { limit, orderBy, page, where } = keyset(query, { id: audit_logs.id }, audit_logs.id);
	const rowsOf = (among: SQL | undefined, most: typeof limit) =>
		ctx.db
			.select({ ...getTableColumns(audit_logs), prev_hash: audit_seals.prev_hash, hash: audit_seals.hash })
			.from(audit_logs)
			.leftJoin(audit_seals, eq(audit_seals.audit_id, audit_logs.id))
			.where(and(where, among, matching(query)))
			.orderBy(...orderBy)
			.limit(most);
	const ids = lettersIn('audit_text', query.q);
	const search = ids && fewOrMany(ids, audit_logs.id, query.limit + 1);
	const { rows } = await enter(
		ctx,
		'audit.list',
		null,
		search ? [rowsOf(undefined, search.inOrder), rowsOf(search.few, limit)] : [rowsOf(undefined, limit)],
	);
	return page(rows.flat());
}
