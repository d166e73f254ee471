import { Hono } from 'hono';
import { z } from 'zod';
import { notFound } from '#domain/errors.ts';
import { safeNext } from '#domain/next.ts';
import { CodeInput } from '#domain/second-factor.ts';
import { CodeNeeded, type SignInRefusal, SignInMethods } from '#domain/sign-in.ts';
import { Login, User } from '#domain/user.ts';
import { row, settled } from '#worker/http/answer.ts';
import type { AppContext, AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { json, query } from '#worker/http/input.ts';
import { giveSealed, sealedIn, sealer, takeSealed } from '#worker/http/sealed-cookie.ts';
import { giveSession } from '#worker/http/session-cookie.ts';
import { personOf } from '#worker/services/oidc/person.ts';
import { Flow, Provider, SignInRefused } from '#worker/services/oidc/provider.ts';
import { type OidcSettings, signInSettings } from '#worker/services/oidc/settings.ts';
import { confirmSession } from '#worker/services/session/confirm.ts';
import { createSessionByOidc } from '#worker/services/session/create-by-oidc.ts';
import { createSession } from '#worker/services/session/create.ts';
import type { SignedIn } from '#worker/services/session/open.ts';
import { passwords } from '#worker/services/session/passwords.ts';
import { CodeIsNeeded, PendingSignIn } from '#worker/services/session/pending.ts';

const agentOf = (c: AppContext) => c.req.header('user-agent') ?? null;

export const signIn = new Hono<AppEnv>()
	.get('/auth/methods', describe('hub.sign_in_methods', 'The ways into this hub', { schema: SignInMethods }), (c) => {
		const { passwords, oidc, problems } = signInSettings(c.env);
		if (problems.length > 0) console.error('sign-in is not set up as it should be:', problems.join('; '));
		return c.json<SignInMethods>({ passwords, oidc: oidc && { label: oidc.label } });
	})
	.post(
		'/auth/login',
		describe('session.create', 'Sign in with username and password; a second factor is then asked for', {
			schema: z.union([User, CodeNeeded]),
		}),
		json(Login),
		async (c) => {
			const policy = signInSettings(c.env).passwords;
			const made = await orCode(c, () =>
				settled(() => createSession(c.var.ctx, passwords, c.req.valid('json'), agentOf(c), policy)),
			);
			if (made === null) return c.json<z.infer<typeof CodeNeeded>>({ second_factor: 'totp' });
			giveSession(c, made.session);
			return row(c, made.user);
		},
	)
	.post(
		'/auth/code',
		describe('session.confirm', 'The second step of a sign-in: a code, or a recovery code', { schema: User }),
		json(CodeInput),
		async (c) => {
			const pending = await sealedIn(c, 'uhub_pending', PendingSignIn);
			const { code } = c.req.valid('json');
			const made = await settled(() => confirmSession(c.var.ctx, sealer(c), pending, code, agentOf(c)));
			takeSealed(c, 'uhub_pending');
			giveSession(c, made.session);
			return row(c, made.user);
		},
	)
	.get(
		'/auth/oidc/start',
		describe('session.oidc_start', 'Go to the identity provider; `next` is a path of the app', { status: 302 }),
		query(z.strictObject({ next: z.string().max(2000).optional() })),
		async (c) => {
			const { oidc } = signInSettings(c.env);
			if (!oidc) throw notFound('way in');
			const next = safeNext(c.req.valid('query').next);
			try {
				const { address, flow } = await providerOf(c, oidc).begin(redirectUri(c), next);
				await giveSealed(c, 'uhub_oidc', flow);
				return c.redirect(address);
			} catch (error) {
				return refused(c, error, next);
			}
		},
	)
	.get(
		'/auth/oidc/callback',
		describe('session.oidc_callback', 'Come back from the identity provider', { status: 302 }),
		// Whatever the provider says: its library reads it.
		query(z.looseObject({})),
		async (c) => {
			const { oidc } = signInSettings(c.env);
			if (!oidc) throw notFound('way in');
			const flow = await sealedIn(c, 'uhub_oidc', Flow);
			// Whatever comes of it, it is over.
			takeSealed(c, 'uhub_oidc');
			const next = flow?.next ?? '/';
			try {
				if (!flow) throw new SignInRefused('expired');
				const made = await orCode(c, () => comeBack(c, oidc, flow));
				if (made === null) return c.redirect(signInPage({ step: 'code', next }));
				giveSession(c, made.session);
				return c.redirect(next);
			} catch (error) {
				return refused(c, error, next);
			}
		},
	);

async function comeBack(c: AppContext, oidc: OidcSettings, flow: Flow): Promise<SignedIn> {
	const { issuer, claims } = await providerOf(c, oidc).finish(redirectUri(c), flow, new URL(c.req.url));
	const coming = {
		settings: oidc,
		person: personOf(oidc, issuer, claims),
		state: { id: `oidc ${flow.state}`, expires_at: flow.expires_at },
		user_agent: agentOf(c),
	};
	return settled(() => createSessionByOidc(c.var.ctx, coming));
}

/** Null: the person has a second factor, and the browser now holds the sign-in that waits for its code. */
async function orCode(c: AppContext, signIn: () => Promise<SignedIn>): Promise<SignedIn | null> {
	try {
		return await signIn();
	} catch (error) {
		if (!(error instanceof CodeIsNeeded)) throw error;
		await giveSealed(c, 'uhub_pending', error.pending);
		return null;
	}
}

/** The local hub may reach its own network for this alone; on Cloudflare everything goes to the internet. */
function providerOf(c: AppContext, oidc: OidcSettings): Provider {
	const { OIDC_NETWORK } = c.env;
	return new Provider(
		oidc,
		(input, init) => (OIDC_NETWORK ? OIDC_NETWORK.fetch(input, init) : fetch(input, init)),
		c.var.ctx.now,
	);
}

const redirectUri = (c: AppContext) => `${new URL(c.req.url).origin}/api/auth/oidc/callback`;

const signInPage = ({ next, ...more }: Record<string, string>) =>
	`/sign-in?${new URLSearchParams({ ...more, ...(next !== undefined && next !== '/' && { next }) }).toString()}`;

/** A person in a browser is sent back to the sign-in page, which says why; the log has the rest, without what is secret in it. */
function refused(c: AppContext, error: unknown, next: string) {
	const reason: SignInRefusal = error instanceof SignInRefused ? error.reason : 'fault';
	const cause: unknown = error instanceof SignInRefused ? error.cause : error;
	if (cause !== undefined) console.error(`request ${c.var.request_id}: sign-in by OIDC: ${reason}:`, brief(cause));
	return c.redirect(signInPage({ refused: reason, request: c.var.request_id, next }));
}

/** A library's error carries tokens and claims in its cause: only what it says is for the log. */
const brief = (cause: unknown): string =>
	cause instanceof Error
		? [cause.name, ...(['code', 'error'] as const).map((name) => Reflect.get(cause, name)), cause.message]
				.filter((part) => typeof part === 'string')
				.join(': ')
		: String(cause);
