import type { Context, MiddlewareHandler } from 'hono';
import { connect } from '#worker/db/client.ts';
import { liveOf, witnessOf } from '#worker/live.ts';
import type { Credential, Ctx } from '#worker/services/context.ts';
import { hashOf } from '#worker/services/secrets.ts';
import { allowedNetworks, outsideOf } from '#worker/outside.ts';
import { deliverMails, type MailPort } from '#worker/services/mails/deliver.ts';
import { mailSettings } from '#worker/services/mails/settings.ts';
import { sealerOf } from '#worker/services/sealed.ts';
import { deliverWebhooks } from '#worker/services/webhooks/deliver.ts';
import { storeOf } from '#worker/store.ts';
import { clientAddress } from './client-address.ts';
import { bearerOf } from './bearer.ts';
import { sessionToken } from './session-cookie.ts';

export interface AppEnv {
	Bindings: Env;
	Variables: { ctx: Ctx; request_id: string; request_hash: string | undefined };
}
export type AppContext = Context<AppEnv>;

/** What the services need of the world, for one request. */
export const withCtx: MiddlewareHandler<AppEnv> = async (c, next) => {
	c.set(
		'ctx',
		ctxOf(c.env, c.executionCtx, {
			credential: await credentialOf(c),
			request_id: c.var.request_id,
			ip: clientAddress(c.req.raw, c.env),
		}),
	);
	await next();
};

/** A token is sent on purpose, a cookie comes along with every request: so the token decides, and a bad one is not made good by a cookie. */
async function credentialOf(c: AppContext): Promise<Credential> {
	const bearer = bearerOf(c.req.raw);
	if (bearer !== null) return { kind: 'token', hash: await hashOf(bearer) };
	const token = sessionToken(c);
	return token === undefined ? { kind: 'none' } : { kind: 'session', hash: await hashOf(token) };
}

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
	const ctx: Ctx = {
		...who,
		db: connect(env.DB),
		live: liveOf(env),
		store: storeOf(env),
		witness: witnessOf(env),
		networks: allowedNetworks(env),
		url: env.UHUB_PUBLIC_URL ?? null,
		now: Date.now,
		mail: () => mailSettings(env, env.UHUB_PUBLIC_URL ?? null, allowedNetworks(env)),
		deliver: async () => {
			const [outside, sealer] = [outsideOf(env), sealerOf(env.UHUB_SECRET)];
			const relay: MailPort['relay'] = (id, ...mail) => env.AGENT_LINK.getByName(String(id)).mail(...mail);
			await Promise.all([deliverWebhooks(ctx, outside, sealer), deliverMails(ctx, { outside, sealer, relay })]);
		},
		idempotency: null,
		after: (work) => {
			execution.waitUntil(
				work.catch((error: unknown) => {
					console.error(`request ${who.request_id}, after its answer:`, error);
				}),
			);
		},
	};
	return ctx;
}
