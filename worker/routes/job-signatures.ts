import { Hono } from 'hono';
import { z } from 'zod';
import { Id, pageOf } from '#domain/common.ts';
import { JobSignature, JobTemplate, Signature } from '#domain/job-signature.ts';
import { settled } from '#worker/http/answer.ts';
import type { AppContext, AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { deleteSignature } from '#worker/services/job_signatures/delete.ts';
import { listSignatures, SignatureList } from '#worker/services/job_signatures/list.ts';
import { putSignature } from '#worker/services/job_signatures/put.ts';
import { readTemplate } from '#worker/services/job_signatures/template.ts';

/** Left out: where the job runs unless a run says otherwise. */
const inEnvironment = query(z.strictObject({ environment_id: z.coerce.number().pipe(Id).optional() }));
const origin = (c: AppContext) => new URL(c.req.url).origin;

export const jobSignatures = new Hono<AppEnv>()
	.get(
		'/jobs/:id/signatures',
		describe('job.read_signatures', 'By whom a job is signed, for which environments', {
			schema: pageOf(JobSignature),
		}),
		idIn('job'),
		query(SignatureList),
		async (c) => c.json(await listSignatures(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.get(
		'/jobs/:id/template',
		describe('job.template', 'What is to be signed of a job: uhub-agent sign reads it', { schema: JobTemplate }),
		idIn('job'),
		inEnvironment,
		async (c) => {
			const { environment_id } = c.req.valid('query');
			return c.json(await readTemplate(c.var.ctx, origin(c), c.req.valid('param').id, environment_id));
		},
	)
	.put(
		'/jobs/:id/signature',
		describe('job.sign', 'Sign a job as it is now, with what uhub-agent sign printed', { schema: JobSignature }),
		idIn('job'),
		inEnvironment,
		json(Signature),
		async (c) => {
			const { environment_id } = c.req.valid('query');
			const { id } = c.req.valid('param');
			return c.json(await settled(() => putSignature(c.var.ctx, origin(c), id, environment_id, c.req.valid('json'))));
		},
	)
	.delete(
		'/jobs/:id/signature',
		describe('job.unsign', "Take a job's signature back", { status: 204 }),
		idIn('job'),
		inEnvironment,
		async (c) => {
			const { environment_id } = c.req.valid('query');
			await settled(() => deleteSignature(c.var.ctx, c.req.valid('param').id, environment_id));
			return c.body(null, 204);
		},
	);
