import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { Job } from '#domain/job.ts';
import { CONTENT_MAX, INLINE_CONTENT_MAX, ScriptCreate, ScriptPatch, ScriptRef } from '#domain/script.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { attachment, UNTRUSTED_CSP } from '#worker/http/headers.ts';
import { idIn, json, query, readBody } from '#worker/http/input.ts';
import { createScript } from '#worker/services/scripts/create.ts';
import { deleteScript } from '#worker/services/scripts/delete.ts';
import { listScriptJobs, ScriptJobList } from '#worker/services/scripts/jobs.ts';
import { listScripts, ScriptList } from '#worker/services/scripts/list.ts';
import { readContent, readScript } from '#worker/services/scripts/read.ts';
import { updateScript } from '#worker/services/scripts/update.ts';

/** JSON writes a byte of text in as many as six. */
const withContent = { max: 6 * INLINE_CONTENT_MAX + 65_536 };

export const scripts = new Hono<AppEnv>()
	.get(
		'/projects/:id/scripts',
		describe('script.list', "A project's scripts", { schema: pageOf(ScriptRef) }),
		idIn('project'),
		query(ScriptList),
		async (c) => c.json(await listScripts(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/scripts',
		describe('script.create', 'Add a script: its content, or where it lies', { status: 201, schema: ScriptRef }),
		idIn('project'),
		json(ScriptCreate, withContent),
		(c) => posted(c, 201, (ctx) => createScript(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get('/scripts/:id', describe('script.read', 'One script', { schema: ScriptRef }), idIn('script'), async (c) =>
		row(c, await readScript(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/scripts/:id',
		describe('script.update', 'Change a script', { schema: ScriptRef }),
		idIn('script'),
		json(ScriptPatch, withContent),
		async (c) =>
			row(c, await settled(() => updateScript(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/scripts/:id',
		describe('script.delete', 'Remove a script that no job uses', { status: 204 }),
		idIn('script'),
		async (c) => {
			await settled(() => deleteScript(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.get(
		'/scripts/:id/jobs',
		describe('script.read_jobs', 'The jobs that run a script', { schema: pageOf(Job) }),
		idIn('script'),
		query(ScriptJobList),
		async (c) => c.json(await listScriptJobs(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.get(
		'/scripts/:id/content',
		describe('script.read_content', 'The bytes of an uploaded script', { media: 'text/plain' }),
		idIn('script'),
		async (c) => {
			const { script, bytes } = await readContent(c.var.ctx, c.req.valid('param').id);
			return c.body(new Uint8Array(bytes), 200, {
				'content-type': 'text/plain; charset=utf-8',
				'content-disposition': attachment(script.name),
				'content-security-policy': UNTRUSTED_CSP,
				etag: `"v${String(script.version)}"`,
			});
		},
	)
	.put(
		'/scripts/:id/content',
		describe('script.update_content', 'Replace the bytes of an uploaded script; If-Match is optional', {
			schema: ScriptRef,
		}),
		idIn('script'),
		async (c) => {
			const version = c.req.header('if-match') === undefined ? null : ifMatch(c);
			const content = await readBody(c.req.raw, CONTENT_MAX);
			return row(c, await settled(() => updateScript(c.var.ctx, c.req.valid('param').id, version, { content })));
		},
	);
