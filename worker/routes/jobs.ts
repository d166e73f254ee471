import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { JobCreate, JobItem, JobPatch, JobView } from '#domain/job.ts';
import { Run, RunStart } from '#domain/run.ts';
import { ScriptRef } from '#domain/script.ts';
import { ifMatch, posted, row, settled, text } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { createJob } from '#worker/services/jobs/create.ts';
import { deleteJob } from '#worker/services/jobs/delete.ts';
import { JobList, JobListInProject, listJobs } from '#worker/services/jobs/list.ts';
import { JobScriptList, readJob, readJobScripts } from '#worker/services/jobs/read.ts';
import { updateJob } from '#worker/services/jobs/update.ts';
import { startRun } from '#worker/services/runs/start.ts';

export const jobs = new Hono<AppEnv>()
	.get(
		'/jobs',
		describe('job.list', 'The jobs of every project you may see', { schema: pageOf(JobItem) }),
		query(JobList),
		async (c) => text(c, await listJobs(c.var.ctx, c.req.valid('query'))),
	)
	.get(
		'/projects/:id/jobs',
		describe('job.list_in_project', "A project's jobs", { schema: pageOf(JobItem) }),
		idIn('project'),
		query(JobListInProject),
		async (c) => text(c, await listJobs(c.var.ctx, { ...c.req.valid('query'), project_id: c.req.valid('param').id })),
	)
	.post(
		'/projects/:id/jobs',
		describe('job.create', 'Add a job, planned or not', { status: 201, schema: JobView }),
		idIn('project'),
		json(JobCreate),
		(c) => posted(c, 201, (ctx) => createJob(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get('/jobs/:id', describe('job.read', 'One job', { schema: JobView }), idIn('job'), async (c) =>
		row(c, await readJob(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/jobs/:id',
		describe('job.update', 'Change a job; its entry in the calendar follows', { schema: JobView }),
		idIn('job'),
		json(JobPatch),
		async (c) =>
			row(c, await settled(() => updateJob(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/jobs/:id',
		describe('job.delete', 'Remove a job that never ran', { status: 204 }),
		idIn('job'),
		async (c) => {
			await settled(() => deleteJob(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.get(
		'/jobs/:id/scripts',
		describe('job.read_scripts', "A job's scripts, in the order they run", { schema: pageOf(ScriptRef) }),
		idIn('job'),
		query(JobScriptList),
		async (c) => c.json(await readJobScripts(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/jobs/:id/runs',
		describe('run.start', 'Run a job: the run is queued, and the answer does not wait for it', {
			status: 201,
			schema: Run,
		}),
		idIn('job'),
		json(RunStart),
		(c) => posted(c, 201, (ctx) => startRun(ctx, c.req.valid('param').id, c.req.valid('json'))),
	);
