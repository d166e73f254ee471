import type { JobTemplate } from '#domain/job-signature.ts';
import type { Ctx } from '../context.ts';
import { enter, ofRow } from '../gate.ts';
import { askedAt, environmentOf, nextSerial, signedQueries, templateNow } from './at.ts';

/** What is to be signed: the job as it would run now, in an environment or in none. `hub`: its own origin. */
export async function readTemplate(
	ctx: Ctx,
	hub: string,
	id: number,
	environment_id: number | undefined,
): Promise<JobTemplate> {
	const { rows } = await enter(
		ctx,
		'job.template',
		ofRow('job', id),
		signedQueries(ctx, id, environmentOf(id, environment_id)),
		([[job]]) => (job ? { job_type: job.job_type } : {}),
	);
	const at = askedAt(rows, environment_id);
	const serial = nextSerial(ctx, at.signature);
	return { hub, environment_id: at.environment?.id ?? null, serial, ...(await templateNow(at)) };
}
