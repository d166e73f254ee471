import { Hono } from 'hono';
import { z } from 'zod';
import {
	AlertKey,
	AlertPreview,
	AlertPreviewed,
	AlertSource,
	AlertSourceCreate,
	AlertSourceKind,
	AlertSourcePatch,
	AlertSourceWithPath,
	AlertsTaken,
} from '#domain/alert.ts';
import { pageOf } from '#domain/common.ts';
import { ifMatch, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, idsIn, json, query, readHook } from '#worker/http/input.ts';
import { sealer } from '#worker/http/sealed-cookie.ts';
import { createAlertSource } from '#worker/services/alert_sources/create.ts';
import { deleteAlertSource } from '#worker/services/alert_sources/delete.ts';
import { AlertSourceList, listAlertSources } from '#worker/services/alert_sources/list.ts';
import { previewAlerts } from '#worker/services/alert_sources/preview.ts';
import { rotateAlertSource } from '#worker/services/alert_sources/rotate.ts';
import { updateAlertSource } from '#worker/services/alert_sources/update.ts';
import { receiveAlerts } from '#worker/services/alerts/receive.ts';

/** The largest delivery that is read: a thousand alerts have less. */
const BODY_MAX = 1_048_576;
/** A signature in hexadecimal, or a time, has less. */
const HEADER_MAX = 100;

export const alerts = new Hono<AppEnv>()
	.get(
		'/projects/:id/alert-sources',
		describe('alert_source.list', "Where a project's alerts come in", { schema: pageOf(AlertSource) }),
		idIn('project'),
		query(AlertSourceList),
		async (c) => c.json(await listAlertSources(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/alert-sources',
		describe('alert_source.create', 'Have alerts open incidents; the path that takes them is shown this once', {
			status: 201,
			schema: AlertSourceWithPath,
		}),
		idIn('project'),
		json(AlertSourceCreate),
		// Without an Idempotency-Key's replay, here and below: keeping the answer would keep the key.
		async (c) => {
			const { id } = c.req.valid('param');
			return row(c, await settled(() => createAlertSource(c.var.ctx, id, c.req.valid('json'))), 201);
		},
	)
	.patch(
		'/alert-sources/:id',
		describe('alert_source.update', 'Change how alerts are taken; the path stays', { schema: AlertSource }),
		idIn('alert source'),
		json(AlertSourcePatch),
		async (c) => {
			const { id } = c.req.valid('param');
			return row(c, await settled(() => updateAlertSource(c.var.ctx, id, ifMatch(c), c.req.valid('json'))));
		},
	)
	.post(
		'/alert-sources/:id/rotate',
		describe('alert_source.rotate', 'Make a new path, shown this once; the old one takes nothing more', {
			schema: AlertSourceWithPath,
		}),
		idIn('alert source'),
		json(z.strictObject({})),
		async (c) => row(c, await settled(() => rotateAlertSource(c.var.ctx, c.req.valid('param').id))),
	)
	.delete(
		'/alert-sources/:id',
		describe('alert_source.delete', 'Take a source away; the incidents it opened stay', { status: 204 }),
		idIn('alert source'),
		async (c) => {
			await settled(() => deleteAlertSource(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	)
	.post(
		'/alert-sources/:id/preview',
		describe('alert_source.preview', 'What a payload would do; it does nothing', { schema: AlertPreview }),
		idIn('alert source'),
		json(AlertPreviewed),
		async (c) => c.json(await previewAlerts(c.var.ctx, c.req.valid('param').id, c.req.valid('json').payload)),
	)
	// Nobody is signed in: the key in the address is what opens it.
	.post(
		'/hooks/alerts/:source/:key',
		describe(
			'alert_source.receive',
			'What Alertmanager, Grafana, Centreon or another monitoring says is wrong, or is over',
			{
				schema: AlertsTaken,
			},
		),
		idsIn('alert source', { source: AlertSourceKind, key: AlertKey }),
		async (c) => {
			const { source: kind, key } = c.req.valid('param');
			const header = (name: string) => (c.req.header(name) ?? '').slice(0, HEADER_MAX);
			const [signature, signed_at] = [header('x-grafana-alerting-signature'), header('x-grafana-alerting-timestamp')];
			const body = await readHook(c.req.raw, BODY_MAX);
			const delivery = { kind, key, body, signature, signed_at };
			return c.json(await settled(() => receiveAlerts(c.var.ctx, sealer(c), delivery)));
		},
	);
