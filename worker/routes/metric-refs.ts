import { Hono } from 'hono';
import { pageOf } from '#domain/common.ts';
import { MetricRef, MetricRefCreate, MetricRefPatch } from '#domain/metric-ref.ts';
import { ifMatch, posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { idIn, json, query } from '#worker/http/input.ts';
import { createMetricRef } from '#worker/services/metric_refs/create.ts';
import { deleteMetricRef } from '#worker/services/metric_refs/delete.ts';
import { listMetricRefs, MetricRefList } from '#worker/services/metric_refs/list.ts';
import { readMetricRef } from '#worker/services/metric_refs/read.ts';
import { updateMetricRef } from '#worker/services/metric_refs/update.ts';

export const metricRefs = new Hono<AppEnv>()
	.get(
		'/projects/:id/metric-refs',
		describe('metric_ref.list', 'A project’s dashboards and graphs elsewhere', { schema: pageOf(MetricRef) }),
		idIn('project'),
		query(MetricRefList),
		async (c) => c.json(await listMetricRefs(c.var.ctx, c.req.valid('param').id, c.req.valid('query'))),
	)
	.post(
		'/projects/:id/metric-refs',
		describe('metric_ref.create', 'Add a link to a dashboard or a graph', { status: 201, schema: MetricRef }),
		idIn('project'),
		json(MetricRefCreate),
		(c) => posted(c, 201, (ctx) => createMetricRef(ctx, c.req.valid('param').id, c.req.valid('json'))),
	)
	.get(
		'/metric-refs/:id',
		describe('metric_ref.read', 'One metric reference', { schema: MetricRef }),
		idIn('metric reference'),
		async (c) => row(c, await readMetricRef(c.var.ctx, c.req.valid('param').id)),
	)
	.patch(
		'/metric-refs/:id',
		describe('metric_ref.update', 'Change a metric reference', { schema: MetricRef }),
		idIn('metric reference'),
		json(MetricRefPatch),
		async (c) =>
			row(c, await settled(() => updateMetricRef(c.var.ctx, c.req.valid('param').id, ifMatch(c), c.req.valid('json')))),
	)
	.delete(
		'/metric-refs/:id',
		describe('metric_ref.delete', 'Remove a metric reference', { status: 204 }),
		idIn('metric reference'),
		async (c) => {
			await settled(() => deleteMetricRef(c.var.ctx, c.req.valid('param').id, ifMatch(c)));
			return c.body(null, 204);
		},
	);
