import { sql } from 'drizzle-orm';
import type { JobSignature } from '#domain/job-signature.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { asTold, isCurrent, jobAt, signedQueries } from './at.ts';

/** A job's signatures, at most one for each environment and one for none: so there is one page. */
export async function listSignatures(ctx: Ctx, id: number): Promise<{ items: JobSignature[]; next_cursor: null }> {
	const signed = sql`(select environment_id from job_signatures where job_id = ${id})`;
	const { rows } = await enter(ctx, 'job.read', ofRow('job', id), signedQueries(ctx, id, signed));
	const items = rows[6].map(async (signature) => {
		const { environment_id } = signature;
		return asTold(signature, await isCurrent(signature, jobAt(rows, environment_id === 0 ? null : environment_id)));
	});
	return { items: await Promise.all(items), next_cursor: null };
}
