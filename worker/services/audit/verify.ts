import { and, asc, gt, lte, max, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { AuditFault, AuditRewind, AuditVerified } from '#domain/audit.ts';
import { Id } from '#domain/common.ts';
import { invalid } from '#domain/errors.ts';
import { audit_logs, audit_seals } from '../../db/client.ts';
import { fromBase64url, toBase64url } from '../bytes.ts';
import type { Ctx } from '../context.ts';
import { enter } from '../gate.ts';
import { GENESIS, rewindOf, sealHash } from './seal.ts';

/** How many numbers one part looks at: a second's work at most. */
const PART = 2000;
const FAULTS_MAX = 100;

export const VerifyQuery = z.strictObject({ cursor: z.string().max(200).optional() });

/** The hash goes along, so that the chain is one even when somebody writes to it between two parts. */
const Cursor = z.strictObject({ after: Id, hash: z.string().regex(/^[0-9a-f]{64}$/) });

/**
 * Follows the chain from the start, or from where the last part ended: every row still is what was sealed, every link names
 * the one before, and no number is left out. Numbers are given in the order of commits and never twice, so a gap is a row
 * that is gone; the table's counter tells of those cut off at the end, and the witness of a chain that was written anew.
 */
export async function verifyAudit(ctx: Ctx, query: z.infer<typeof VerifyQuery>): Promise<AuditVerified> {
	const from = query.cursor === undefined ? { after: 0, hash: GENESIS } : decode(query.cursor);
	const upTo = from.after + PART;
	const { rows } = await enter(ctx, 'audit.verify', null, [
		ctx.db
			.select()
			.from(audit_logs)
			.where(and(gt(audit_logs.id, from.after), lte(audit_logs.id, upTo)))
			.orderBy(asc(audit_logs.id)),
		ctx.db
			.select()
			.from(audit_seals)
			.where(and(gt(audit_seals.audit_id, from.after), lte(audit_seals.audit_id, upTo)))
			.orderBy(asc(audit_seals.audit_id)),
		ctx.db.select({ id: max(audit_seals.audit_id) }).from(audit_seals),
		ctx.db
			.select({ id: sql<number>`seq` })
			.from(sql`sqlite_sequence`)
			.where(sql`name = 'audit_logs'`),
		ctx.db.select({ id: max(audit_logs.id) }).from(audit_logs),
	]);
	const rewinds = await rewindsOf(ctx);
	const sealed = rows[2][0]?.id ?? 0;
	const given = Math.max(rows[3][0]?.id ?? 0, sealed, rows[4][0]?.id ?? 0);
	const end = Math.min(upTo, given);
	const logs = new Map(rows[0].map((row) => [row.id, row]));
	const seals = new Map(rows[1].map((seal) => [seal.audit_id, seal]));

	const faults: AuditFault[] = [];
	const fault = (kind: AuditFault['kind'], id: number) => {
		const last = faults.at(-1);
		if (last?.kind === kind && last.to_id === id - 1 && (kind === 'missing' || kind === 'unsealed')) last.to_id = id;
		else if (faults.length < FAULTS_MAX) faults.push({ kind, id, to_id: id });
	};
	let { hash } = from;
	let head: AuditVerified['head'] = null;
	let [checked, tail] = [0, 0];
	for (let id = from.after + 1; id <= end; id++) {
		const row = logs.get(id);
		const seal = seals.get(id);
		if (!row) fault('missing', id);
		else if (seal) {
			checked++;
			// Against the link's own words, so that one broken link does not make every row after it look altered.
			if ((await sealHash(seal.prev_hash, row)) !== seal.hash) fault('altered', id);
		} else if (id > sealed) tail++;
		else fault('unsealed', id);
		if (!seal) continue;
		if (seal.prev_hash !== hash) fault('relinked', id);
		({ hash } = seal);
		head = { id, hash };
	}
	for (const { id, to_id } of rewinds)
		if (to_id > from.after && (to_id <= end || end === given) && faults.length < FAULTS_MAX)
			faults.push({ kind: 'rewound', id, to_id });
	faults.sort((a, b) => a.id - b.id);
	return {
		checked,
		faults,
		tail,
		head,
		last_id: given,
		next_cursor: end < given ? encode({ after: end, hash }) : null,
	};
}

/** What the witness saw written anew, and what it would see now. */
async function rewindsOf(ctx: Ctx): Promise<AuditRewind[]> {
	const { link, rewinds } = await ctx.witness.recall();
	const now = link && (await rewindOf(ctx, link));
	return now ? [...rewinds, now] : [...rewinds];
}

const encode = (cursor: z.infer<typeof Cursor>): string =>
	toBase64url(new TextEncoder().encode(JSON.stringify(cursor)));

function decode(text: string): z.infer<typeof Cursor> {
	try {
		return Cursor.parse(JSON.parse(new TextDecoder().decode(fromBase64url(text))));
	} catch {
		throw invalid('cursor', 'is not one that an earlier part gave');
	}
}
