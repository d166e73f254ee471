import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import { z } from 'zod';
import { Id, ListQuery } from '#domain/common.ts';
import type { JobSignature } from '#domain/job-signature.ts';
import { job_signatures } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { keyset, type Page, sortBy } from '../list.ts';
import { asTold, isCurrent, jobAt, signedQueries } from './at.ts';

const { limit, cursor } = ListQuery;

export const SignatureList = z.strictObject({
	limit,
	cursor,
	sort: sortBy(['environment_id', 'signed_at'], 'environment_id'),
	environment_id: z.coerce.number().pipe(Id).optional(),
});

/** A job's signatures, at most one for each environment and one for none, which stands where a number 0 would. */
export async function listSignatures(
	ctx: Ctx,
	job_id: number,
	query: z.infer<typeof SignatureList>,
): Promise<Page<JobSignature>> {
	const { environment_id, signed_at } = job_signatures;
	const { limit, orderBy, page, where } = keyset(query, { environment_id, signed_at }, environment_id);
	const shown = and(
		eq(job_signatures.job_id, job_id),
		where,
		query.environment_id ? eq(environment_id, query.environment_id) : undefined,
	);
	const signed = ctx.db.select({ environment_id }).from(job_signatures).where(shown);
	const { rows } = await enter(ctx, 'job.read', ofRow('job', job_id), [
		...signedQueries(ctx, job_id, sql`(${signed.orderBy(...orderBy).limit(limit)})`),
		ctx.db
			.select({ ...getTableColumns(job_signatures), id: environment_id })
			.from(job_signatures)
			.where(shown)
			.orderBy(...orderBy)
			.limit(limit),
	]);
	const [jobs, projects, environments, scripts, targets, clusters, signatures, asked] = rows;
	const all = [jobs, projects, environments, scripts, targets, clusters, signatures] as const;
	const { items, next_cursor } = page(asked);
	const told = items.map(async (signature) => {
		const { environment_id: at } = signature;
		return asTold(signature, await isCurrent(signature, jobAt(all, at === 0 ? null : at)));
	});
	return { items: await Promise.all(told), next_cursor };
}
