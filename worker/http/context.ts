import type { Context, MiddlewareHandler } from 'hono';
import { connect } from '#worker/db/client.ts';
import { liveOf } from '#worker/live.ts';
import type { Credential, Ctx } from '#worker/services/context.ts';
import { storeOf } from '#worker/store.ts';
import { clientAddress } from './client-address.ts';
import { sessionToken } from './session-cookie.ts';

export interface AppEnv {
	Bindings: Env;
	Variables: { ctx: Ctx; request_id: string; request_hash: string | undefined };
}
export type AppContext = Context<AppEnv>;

/** What the services need of the world, for one request. */
export const withCtx: MiddlewareHandler<AppEnv> = async (c, next) => {
	const token = await sessionToken(c);
	c.set(
		'ctx',
		ctxOf(c.env, c.executionCtx, {
			credential: token === null ? { kind: 'none' } : { kind: 'session', token },
			request_id: c.var.request_id,
			ip: clientAddress(c.req.raw, c.env),
		}),
	);
	await next();
};

/** The hub's own context, for the clock and the seed. */
export const systemCtx = (env: Env, execution: Pick<ExecutionContext, 'waitUntil'>): Ctx =>
	ctxOf(env, execution, {
		credential: { kind: 'actor', actor: { kind: 'system' } },
		request_id: crypto.randomUUID(),
		ip: null,
	});

function ctxOf(
	env: Env,
	execution: Pick<ExecutionContext, 'waitUntil'>,
	who: { credential: Credential; request_id: string; ip: string | null },
): Ctx {
	return {
		...who,
		db: connect(env.DB),
		live: liveOf(env),
		store: storeOf(env),
		now: Date.now,
		idempotency: null,
		after: (work) => {
			execution.waitUntil(
				work.catch((error: unknown) => {
					console.error(`request ${who.request_id}, after its answer:`, error);
				}),
			);
		},
	};
}
