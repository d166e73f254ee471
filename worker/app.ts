import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { z } from 'zod';
import { notFound } from '#domain/errors.ts';
import { type AppContext, type AppEnv, withCtx } from './http/context.ts';
import { describe } from './http/describe.ts';
import { secureHeaders } from './http/headers.ts';
import { query } from './http/input.ts';
import { documentOf } from './http/openapi/document.ts';
import { sameOrigin } from './http/origin.ts';
import { onError, problem } from './http/problem.ts';
import { strictQuery } from './http/strict-query.ts';
import { agents } from './routes/agents.ts';
import { alerts } from './routes/alerts.ts';
import { archive } from './routes/archive.ts';
import { audit } from './routes/audit.ts';
import { clusters } from './routes/clusters.ts';
import { downloads } from './routes/downloads.ts';
import { events } from './routes/events.ts';
import { feeds } from './routes/feeds.ts';
import { freezes } from './routes/freezes.ts';
import { hub } from './routes/hub.ts';
import { hubSecrets } from './routes/hub-secrets.ts';
import { incidents } from './routes/incidents.ts';
import { inventories } from './routes/inventories.ts';
import { jobSignatures } from './routes/job-signatures.ts';
import { jobs } from './routes/jobs.ts';
import { gitHooks } from './routes/git-hooks.ts';
import { groups } from './routes/groups.ts';
import { live } from './routes/live.ts';
import { metricRefs } from './routes/metric-refs.ts';
import { notifications } from './routes/notifications.ts';
import { metrics } from './routes/metrics.ts';
import { me } from './routes/me.ts';
import { people } from './routes/people.ts';
import { postmortems } from './routes/postmortems.ts';
import { projects } from './routes/projects.ts';
import { repos } from './routes/repos.ts';
import { runs } from './routes/runs.ts';
import { scripts } from './routes/scripts.ts';
import { terraform } from './routes/terraform.ts';
import { secondFactor } from './routes/second-factor.ts';
import { signIn } from './routes/sign-in.ts';
import { tokens } from './routes/tokens.ts';
import { webhooks } from './routes/webhooks.ts';

const api = new Hono<AppEnv>();
api
	.use(
		methodNotAllowed({
			app: api,
			onMethodNotAllowed: (c, methods) => {
				c.header('allow', methods.join(', '));
				return problem(c, 405, 'method_not_allowed', `This takes ${methods.join(', ')}.`);
			},
		}),
	)
	.use(sameOrigin, withCtx)
	.route('/', hub)
	.route('/', archive)
	.route('/', signIn)
	.route('/', secondFactor)
	.route('/', me)
	.route('/', notifications)
	.route('/', tokens)
	.route('/', people)
	.route('/', audit)
	.route('/', groups)
	.route('/', projects)
	.route('/', scripts)
	.route('/', repos)
	.route('/', inventories)
	.route('/', terraform)
	.route('/', clusters)
	.route('/', hubSecrets)
	.route('/', metricRefs)
	.route('/', jobs)
	.route('/', jobSignatures)
	.route('/', runs)
	// Behind a run's callback, whose path would else be taken for a provider's.
	.route('/', gitHooks)
	.route('/', feeds)
	.route('/', events)
	.route('/', freezes)
	.route('/', incidents)
	.route('/', postmortems)
	.route('/', webhooks)
	.route('/', alerts)
	.route('/', agents);

/** A page or a file of the app: whatever is no file is answered with its first page, by the binding. Such an answer's headers cannot be set. */
async function page(c: AppContext): Promise<Response> {
	const answer = await c.env.ASSETS.fetch(c.req.raw);
	return new Response(answer.body, answer);
}

export const app = new Hono<AppEnv>()
	.use(async (c, next) => {
		c.set('request_id', crypto.randomUUID());
		await next();
	})
	.use(secureHeaders)
	.on('ALL', ['/api/*', '/metrics'], strictQuery)
	.route('/', metrics)
	.route('/downloads', downloads)
	.route('/api', api)
	.route('/live', live);

app
	.get(
		'/api/openapi.json',
		describe('hub.openapi', 'This document', { schema: z.looseObject({ openapi: z.string() }) }),
		async (c) => c.json(await documentOf(app)),
	)
	.get(
		'/api/docs',
		describe('hub.docs', 'This document, to read', { media: 'text/html' }),
		// A page as any other: what it searches for is its own, and an address of it with more opens all the same.
		query(z.looseObject({ q: z.string().optional() })),
		page,
	)
	.on('ALL', ['/api/*', '/live/*'], (c) => onError(notFound('address'), c))
	.get('*', page)
	.notFound((c) => onError(notFound('address'), c))
	.onError(onError);
