import { Hono } from 'hono';
import { z } from 'zod';
import { pageOf } from '#domain/common.ts';
import { IncidentView } from '#domain/incident.ts';
import {
	ActionItem,
	ActionItemCreate,
	ActionItemPatch,
	PostMortem,
	PostMortemCreate,
	PostMortemPatch,
	PostMortemVersion,
	PostMortemVersionItem,
} from '#domain/postmortem.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { attachment, UNTRUSTED_CSP } from '#worker/http/headers.ts';
import { idIn, IdInPath, idsIn, json, query } from '#worker/http/input.ts';
import { createAction } from '#worker/services/action_items/create.ts';
import { deleteAction } from '#worker/services/action_items/delete.ts';
import { ActionList, listActions } from '#worker/services/action_items/list.ts';
import { updateAction } from '#worker/services/action_items/update.ts';
import { createPostMortem } from '#worker/services/postmortems/create.ts';
import { exportPostMortem, ExportQuery } from '#worker/services/postmortems/export.ts';
import { readPostMortem } from '#worker/services/postmortems/read.ts';
import { stepPostMortem } from '#worker/services/postmortems/step.ts';
import { updatePostMortem } from '#worker/services/postmortems/update.ts';
import { listVersions, readVersion, VersionList } from '#worker/services/postmortems/versions.ts';

const actionIn = idsIn('action', { id: IdInPath, action: IdInPath });
const Nothing = z.strictObject({});
const Exported = z.object({ incident: IncidentView, postmortem: PostMortem, actions: z.array(ActionItem) });

export const postmortems = new Hono<AppEnv>()
	.get(
		'/incidents/:id/postmortem',
		describe('postmortem.read', "An incident's post-mortem", { schema: PostMortem }),
		idIn('incident'),
		async (c) => row(c, await readPostMortem(c.var.ctx, c.req.valid('param').id)),
	)
	.post(
		'/incidents/:id/postmortem',
		describe('postmortem.create', 'Begin the post-mortem', { status: 201, schema: PostMortem }),
		idIn('incident'),
		json(PostMortemCreate),
		(c) => posted(c, 201, (ctx) => createPostMortem(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.patch(
		'/incidents/:id/postmortem',
		describe('postmortem.update', 'Change its sections, while it is not published', { schema: PostMortem }),
		idIn('incident'),
		json(PostMortemPatch),
		async (c) =>
			row(
				c,
				await settled(() => updatePostMortem(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json'))),
			),
	)
	.post(
		'/incidents/:id/postmortem/submit',
		describe('postmortem.submit', 'Ask for its review', { schema: PostMortem }),
		idIn('incident'),
		json(Nothing),
		(c) => posted(c, 200, (ctx) => stepPostMortem(ctx, c.req.valid('param').id, 'submit')),
	)
	.post(
		'/incidents/:id/postmortem/publish',
		describe('postmortem.publish', 'Publish it as reviewed', { schema: PostMortem }),
		idIn('incident'),
		json(Nothing),
		(c) => posted(c, 200, (ctx) => stepPostMortem(ctx, c.req.valid('param').id, 'publish')),
	)
	.post(
		'/incidents/:id/postmortem/withdraw',
		describe('postmortem.withdraw', 'Back to a draft; from published, for those who may publish', {
			schema: PostMortem,
		}),
		idIn('incident'),
		json(Nothing),
		(c) => posted(c, 200, (ctx) => stepPostMortem(ctx, c.req.valid('param').id, 'withdraw')),
	)
	.get(
		'/incidents/:id/postmortem/versions',
		describe('postmortem.list_versions', 'What was kept of it, newest first', {
			schema: pageOf(PostMortemVersionItem),
		}),
		idIn('incident'),
		query(VersionList),
		async (c) => c.json(await listVersions(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.get(
		'/incidents/:id/postmortem/versions/:number',
		describe('postmortem.read_version', 'One version, with its texts', { schema: PostMortemVersion }),
		idsIn('version', { id: IdInPath, number: IdInPath }),
		async (c) => {
			const { id, number } = c.req.valid('param');
			return c.json(await readVersion(c.var.ctx, id, number));
		},
	)
	.get(
		'/incidents/:id/postmortem/export',
		describe('postmortem.export', 'All of it as a file: Markdown, a web page, or JSON', {
			media: ['text/markdown', 'text/html'],
			schema: Exported,
		}),
		idIn('incident'),
		query(ExportQuery),
		async (c) => {
			const { name, type, text } = await exportPostMortem(c.var.ctx, c.req.valid('param').id, c.req.valid('query'));
			return c.body(text, 200, {
				'content-type': type === 'application/json' ? type : `${type}; charset=utf-8`,
				'content-disposition': attachment(name),
				'content-security-policy': UNTRUSTED_CSP,
			});
		},
	)
	.get(
		'/incidents/:id/postmortem/actions',
		describe('action_item.list', 'What is to be done so that it does not happen again', {
			schema: pageOf(ActionItem),
		}),
		idIn('incident'),
		query(ActionList),
		async (c) => c.json(await listActions(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/incidents/:id/postmortem/actions',
		describe('action_item.create', 'Add something to be done', { status: 201, schema: ActionItem }),
		idIn('incident'),
		json(ActionItemCreate),
		(c) => posted(c, 201, (ctx) => createAction(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.patch(
		'/incidents/:id/postmortem/actions/:action',
		describe('action_item.update', 'Change what is to be done', { schema: ActionItem }),
		actionIn,
		json(ActionItemPatch),
		async (c) => {
			const { id, action } = c.req.valid('param');
			return row(c, await settled(() => updateAction(c.var.ctx, id, action, ifMatch(c), c.req.valid('json'))));
		},
	)
	.delete(
		'/incidents/:id/postmortem/actions/:action',
		describe('action_item.delete', 'Take an action away', { status: 204 }),
		actionIn,
		async (c) => {
			const { id, action } = c.req.valid('param');
			await settled(() => deleteAction(c.var.ctx, id, action, ifMatch(c)));
			return c.body(null, 204);
		},
	);
