import { and, eq } from 'drizzle-orm';
import { job_signatures } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, one, writable } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { askedAt, environmentOf, signedQueries } from './at.ts';

/** Takes a job's signature back. Agents that started by it go on refusing older ones. */
export async function deleteSignature(ctx: Ctx, id: number, environment_id: number | undefined): Promise<void> {
	const { actor, project, rows } = await enter(
		ctx,
		'job.unsign',
		ofRow('job', id),
		signedQueries(ctx, id, environmentOf(id, environment_id)),
		([[job]]) => (job ? { job_type: job.job_type } : {}),
	);
	const { job, environment, signature } = askedAt(rows, environment_id);
	const { key, serial } = one(
		[signature].flatMap((there) => there ?? []),
		'signature',
	);
	assertWritable(project);
	await commit(ctx, actor, {
		expect: [writable(job.project_id)],
		statements: [
			ctx.db
				.delete(job_signatures)
				.where(and(eq(job_signatures.job_id, id), eq(job_signatures.environment_id, environment?.id ?? 0))),
		],
		audit: [
			{
				action: 'job.unsign',
				object_type: 'Job',
				object_id: id,
				project_id: job.project_id,
				metadata: { environment_id: environment?.id ?? null, key, serial },
			},
		],
	});
	ctx.after(ctx.live.changed([{ project_id: job.project_id, entity: 'job_signature', id, row: null }]));
}
