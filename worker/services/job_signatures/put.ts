import { sql } from 'drizzle-orm';
import { conflict, invalid } from '#domain/errors.ts';
import type { JobSignature, Signature } from '#domain/job-signature.ts';
import { signedText, type Template } from '#protocol/run-spec.ts';
import { job_signatures, jobs } from '../../db/client.ts';
import { fromBase64url } from '../bytes.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, one, unchanged, writable } from '../edit.ts';
import { enter, ofRow } from '../gate.ts';
import { askedAt, asTold, environmentOf, nextSerial, signedQueries, templateNow } from './at.ts';

/**
 * Takes what `uhub-agent sign` made. The hub holds no signing key and knows of none: whose signature counts is the agents' to say.
 * It checks only that it is one, under the job as it is now.
 */
export async function putSignature(
	ctx: Ctx,
	hub: string,
	id: number,
	environment_id: number | undefined,
	signature: Signature,
): Promise<JobSignature> {
	const { actor, project, rows } = await enter(
		ctx,
		'job.sign',
		ofRow('job', id),
		signedQueries(ctx, id, environmentOf(id, environment_id)),
		([[job]]) => (job ? { job_type: job.job_type } : {}),
	);
	const at = askedAt(rows, environment_id);
	assertWritable(project);
	const { job, environment, signature: last } = at;
	const { template, template_sha256 } = await templateNow(at);
	const { key, value, serial, not_after } = signature;
	if (!(await isSigned({ hub, template, ...signature })))
		throw conflict(
			`What was signed is not this job as it runs now ${environment ? `in ${environment.name}` : 'in no environment'}, for ${hub} (template_sha256 ${template_sha256}): it has changed since, or another was signed. Fetch the template again, and sign that.`,
		);
	const next = nextSerial(ctx, last);
	if (last && serial <= last.serial)
		throw conflict(`A signature with the number ${String(last.serial)} is here already: sign the template anew.`);
	if (serial > next) throw invalid('serial', `is ahead of the template's, which is ${String(next)}`);
	if (not_after !== null && Date.parse(not_after) <= ctx.now()) throw invalid('not_after', 'is over already');

	const where = environment?.id ?? 0;
	const told = { key, value, serial, not_after, template_sha256, signed_at: new Date(ctx.now()).toISOString() };
	const [made] = await commit(ctx, actor, {
		expect: [
			writable(job.project_id),
			unchanged(jobs, job),
			sql`not exists (select 1 from job_signatures where job_id = ${id} and environment_id = ${where} and serial >= ${serial})`,
		],
		statements: [
			ctx.db
				.insert(job_signatures)
				.values({ job_id: id, environment_id: where, ...told })
				.onConflictDoUpdate({ target: [job_signatures.job_id, job_signatures.environment_id], set: told })
				.returning(),
		],
		audit: [
			{
				action: 'job.sign',
				object_type: 'Job',
				object_id: id,
				project_id: job.project_id,
				metadata: { environment_id: environment?.id ?? null, key, serial, not_after, template_sha256 },
			},
		],
	});
	ctx.after(
		ctx.live.changed([{ project_id: job.project_id, entity: 'job_signature', id, row: { id, version: serial } }]),
	);
	return asTold(one(made, 'signature'), true);
}

async function isSigned(s: Signature & { hub: string; template: Template }): Promise<boolean> {
	try {
		const key = await crypto.subtle.importKey('raw', fromBase64url(s.key), 'Ed25519', false, ['verify']);
		const text = new TextEncoder().encode(signedText(s));
		return await crypto.subtle.verify('Ed25519', key, fromBase64url(s.value), text);
	} catch {
		return false;
	}
}
