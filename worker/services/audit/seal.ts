import { asc, desc, eq, gt } from 'drizzle-orm';
import type { AuditLink, AuditRewind } from '#domain/audit.ts';
import { audit_logs, audit_seals } from '../../db/client.ts';
import { sha256 } from '../bytes.ts';
import type { Ctx } from '../context.ts';

/** How many rows are sealed in one batch, and how many batches one call makes: a hub that wrote more goes on at the next minute. */
const AT_ONCE = 500;
const BATCHES_MAX = 20;
/** What the first link names as the one before it. */
export const GENESIS = '0'.repeat(64);

type AuditRow = typeof audit_logs.$inferSelect;

/** A link's hash: over the hash before it and every column of the row, in this order. */
export const sealHash = (prev_hash: string, row: AuditRow): Promise<string> =>
	sha256(
		new TextEncoder().encode(
			JSON.stringify([
				prev_hash,
				row.id,
				row.timestamp,
				row.user_id,
				row.action,
				row.object_type,
				row.object_id,
				row.metadata,
				row.project_id,
				row.actor_kind,
				row.actor_id,
				row.ip,
				row.request_id,
			]),
		),
	);

/**
 * Adds the audit rows written since to the chain. Rows are numbered in the order they were committed, so the chain has no
 * holes. Of two sealers at once the second fails on the link it wanted, and has nothing left to do. Gives how many were sealed.
 * The witness is told of a chain that is not the one it knows before anything is sealed, and after each batch how far it came.
 */
export async function sealAudit(ctx: Ctx): Promise<number> {
	const { link } = await ctx.witness.recall();
	const rewind = link && (await rewindOf(ctx, link));
	if (rewind) await ctx.witness.rewound(rewind, await lastLink(ctx));
	let sealed = 0;
	for (let batch = 0; batch < BATCHES_MAX; batch++) {
		const count = await sealBatch(ctx);
		sealed += count;
		if (count < AT_ONCE) break;
	}
	return sealed;
}

/** What was written anew of the chain that once had this link; null when it still has it. */
export async function rewindOf(ctx: Ctx, link: AuditLink): Promise<AuditRewind | null> {
	const [seal] = await ctx.db
		.select({ hash: audit_seals.hash })
		.from(audit_seals)
		.where(eq(audit_seals.audit_id, link.audit_id));
	if (seal?.hash === link.hash) return null;
	const last = await lastLink(ctx);
	return { id: Math.min((last?.audit_id ?? 0) + 1, link.audit_id), to_id: link.audit_id };
}

async function lastLink(ctx: Ctx): Promise<AuditLink | null> {
	const { audit_id, hash } = audit_seals;
	const [last] = await ctx.db.select({ audit_id, hash }).from(audit_seals).orderBy(desc(audit_id)).limit(1);
	return last ?? null;
}

async function sealBatch(ctx: Ctx): Promise<number> {
	const last = await lastLink(ctx);
	const rows = await ctx.db
		.select()
		.from(audit_logs)
		.where(gt(audit_logs.id, last?.audit_id ?? 0))
		.orderBy(asc(audit_logs.id))
		.limit(AT_ONCE);
	let prev_hash = last?.hash ?? GENESIS;
	const seals = [];
	for (const row of rows) {
		const hash = await sealHash(prev_hash, row);
		seals.push(ctx.db.insert(audit_seals).values({ audit_id: row.id, prev_hash, hash }));
		prev_hash = hash;
	}
	const [first, ...rest] = seals;
	const end = rows.at(-1);
	if (!first || !end) return 0;
	await ctx.db.batch([first, ...rest]);
	await ctx.witness.sealed({ audit_id: end.id, hash: prev_hash });
	return seals.length;
}
