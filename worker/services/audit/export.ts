import { and, asc, eq, getTableColumns, gt, lte, max } from 'drizzle-orm';
import { z } from 'zod';
import type { AuditLog } from '#domain/audit.ts';
import { csvLine } from '#domain/csv.ts';
import { audit_logs, audit_seals } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { auditFilter, matching } from './filter.ts';

/** So many rows at once, as the reader takes them. */
const PART = 1_000;

export const AuditExport = z.strictObject({ ...auditFilter, format: z.enum(['csv', 'jsonl']).default('csv') });

const columns = [
	'id',
	'timestamp',
	'actor_kind',
	'user_id',
	'actor_id',
	'action',
	'object_type',
	'object_id',
	'project_id',
	'ip',
	'request_id',
	'metadata',
	'prev_hash',
	'hash',
] as const satisfies readonly (keyof AuditLog)[];

const lineOf = {
	csv: (row: AuditLog) =>
		csvLine(
			columns.map((name) => {
				const value = row[name];
				return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
			}),
		),
	jsonl: (row: AuditLog) => `${JSON.stringify(row)}\n`,
};

/** The rows of the audit that match, oldest first, up to the one that says that they were taken. */
export async function exportAudit(
	ctx: Ctx,
	{ format, ...filter }: z.infer<typeof AuditExport>,
): Promise<ReadableStream<Uint8Array>> {
	const { actor, rows } = await enter(ctx, 'audit.export', null, [
		ctx.db.select({ id: max(audit_logs.id) }).from(audit_logs),
	]);
	const last = rows[0][0]?.id ?? 0;
	await commit(ctx, actor, {
		statements: [],
		audit: [
			{
				action: 'audit.export',
				object_type: 'Hub',
				object_id: null,
				project_id: null,
				metadata: { format, ...filter },
			},
		],
	});
	const encoder = new TextEncoder();
	let after = 0;
	return new ReadableStream<Uint8Array>({
		start(controller) {
			if (format === 'csv') controller.enqueue(encoder.encode(csvLine(columns)));
		},
		async pull(controller) {
			const part = await ctx.db
				.select({ ...getTableColumns(audit_logs), prev_hash: audit_seals.prev_hash, hash: audit_seals.hash })
				.from(audit_logs)
				.leftJoin(audit_seals, eq(audit_seals.audit_id, audit_logs.id))
				.where(and(gt(audit_logs.id, after), lte(audit_logs.id, last), matching(filter)))
				.orderBy(asc(audit_logs.id))
				.limit(PART);
			if (part.length > 0) controller.enqueue(encoder.encode(part.map(lineOf[format]).join('')));
			after = part.at(-1)?.id ?? last;
			if (part.length < PART) controller.close();
		},
	});
}
