import { Hono } from 'hono';
import { type AppEnv, withCtx } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { readMetrics } from '#worker/services/hub/metrics.ts';

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const metrics = new Hono<AppEnv>()
	.use('/metrics', withCtx)
	.get(
		'/metrics',
		describe('hub.metrics', 'The hub in numbers, as Prometheus reads them', { media: 'text/plain' }),
		async (c) => c.body(await readMetrics(c.var.ctx, c.env.UHUB_VERSION), 200, { 'content-type': METRICS_TYPE }),
	);
