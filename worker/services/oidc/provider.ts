import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import { Time } from '#domain/common.ts';
import type { SignInRefusal } from '#domain/sign-in.ts';
import { claimAt, type Claims, together } from './person.ts';
import type { OidcSettings } from './settings.ts';

const PATIENCE_MS = 10_000;
const ANSWER_MAX = 512 * 1024;
/** How long what the provider says of itself holds; its keys are looked at again sooner, by the library. */
const KNOWN_MS = 3_600_000;
/** A provider that did not answer is left alone for a moment: the button is for anybody. */
const AWAY_MS = 5_000;
/** Seconds that the two clocks may differ by. */
const CLOCK_TOLERANCE_S = 30;
/** How long a person may take at the provider. */
const FLOW_MS = 10 * 60_000;

export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

/** What is remembered of a sign-in that began, until it comes back; sealed, in the browser that began it. */
export const Flow = z.strictObject({
	state: z.string(),
	nonce: z.string(),
	verifier: z.string(),
	next: z.string(),
	expires_at: Time,
});
export type Flow = z.infer<typeof Flow>;

/** The sign-in ends on the sign-in page, with the sentence for this reason. */
export class SignInRefused extends Error {
	readonly reason: SignInRefusal;
	constructor(reason: SignInRefusal, cause?: unknown) {
		super(reason, { cause });
		this.reason = reason;
	}
}

type Server = oauth.AuthorizationServer;
let known: { issuer: string; at: number; server: Server | null } | null = null;

export class Provider {
	readonly #settings: OidcSettings;
	readonly #client: oauth.Client;
	readonly #options: oauth.TokenEndpointRequestOptions & oauth.DiscoveryRequestOptions;
	readonly #now: () => number;

	constructor(settings: OidcSettings, fetch: Fetch, now: () => number) {
		this.#settings = settings;
		this.#now = now;
		this.#client = { client_id: settings.client_id, [oauth.clockTolerance]: CLOCK_TOLERANCE_S };
		this.#options = {
			[oauth.customFetch]: bounded(fetch),
			// Settings let http through on this very machine only.
			[oauth.allowInsecureRequests]: settings.issuer.protocol === 'http:',
		};
	}

	/** The address at the provider to go to, and what to remember meanwhile. */
	async begin(redirect_uri: string, next: string): Promise<{ address: string; flow: Flow }> {
		const server = await this.#discover();
		if (server.authorization_endpoint === undefined)
			throw new SignInRefused('unavailable', 'no authorization endpoint');
		const flow: Flow = {
			state: oauth.generateRandomState(),
			nonce: oauth.generateRandomNonce(),
			verifier: oauth.generateRandomCodeVerifier(),
			next,
			expires_at: new Date(this.#now() + FLOW_MS).toISOString(),
		};
		const address = new URL(server.authorization_endpoint);
		for (const [name, value] of Object.entries({
			client_id: this.#settings.client_id,
			redirect_uri,
			response_type: 'code',
			scope: this.#settings.scopes,
			state: flow.state,
			nonce: flow.nonce,
			code_challenge: await oauth.calculatePKCECodeChallenge(flow.verifier),
			code_challenge_method: 'S256',
		}))
			address.searchParams.set(name, value);
		return { address: address.href, flow };
	}

	/** Exchanges what came back for the person's claims, everything about them checked. */
	async finish(redirect_uri: string, flow: Flow, back: URL): Promise<{ issuer: string; claims: Claims }> {
		if (Date.parse(flow.expires_at) <= this.#now()) throw new SignInRefused('expired');
		const server = await this.#discover();
		try {
			return { issuer: server.issuer, claims: await this.#exchange(server, redirect_uri, flow, back) };
		} catch (error) {
			throw new SignInRefused(reasonOf(error), error);
		}
	}

	async #exchange(server: Server, redirect_uri: string, flow: Flow, back: URL): Promise<Claims> {
		const parameters = oauth.validateAuthResponse(server, this.#client, back, flow.state);
		const response = await oauth.authorizationCodeGrantRequest(
			server,
			this.#client,
			this.#authentication(server),
			parameters,
			redirect_uri,
			flow.verifier,
			this.#options,
		);
		const tokens = await oauth.processAuthorizationCodeResponse(server, this.#client, response, {
			expectedNonce: flow.nonce,
			requireIdToken: true,
		});
		await oauth.validateApplicationLevelSignature(server, response, this.#options);
		const claims = oauth.getValidatedIdTokenClaims(tokens);
		if (!claims) throw new SignInRefused('invalid', 'no ID token');
		if (!this.#lacksSomething(claims) || server.userinfo_endpoint === undefined) return claims;
		const more = await oauth.processUserInfoResponse(
			server,
			this.#client,
			claims.sub,
			await oauth.userInfoRequest(server, this.#client, tokens.access_token, this.#options),
		);
		return together(more, claims);
	}

	/** Many providers keep the e-mail and the groups out of the ID token. */
	#lacksSomething(claims: Claims): boolean {
		const { roles } = this.#settings;
		return claims.email === undefined || (roles !== null && claimAt(claims, roles.claim) === undefined);
	}

	#authentication(server: Server): oauth.ClientAuth {
		const { client_secret } = this.#settings;
		if (client_secret === null) return oauth.None();
		// Basic is what a provider that says nothing takes.
		const takes = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
		return takes.includes('client_secret_basic') || !takes.includes('client_secret_post')
			? oauth.ClientSecretBasic(client_secret)
			: oauth.ClientSecretPost(client_secret);
	}

	async #discover(): Promise<Server> {
		const { issuer } = this.#settings;
		const now = this.#now();
		if (known?.issuer === issuer.href && now - known.at < (known.server ? KNOWN_MS : AWAY_MS)) {
			if (known.server) return known.server;
			throw new SignInRefused('unavailable', 'it did not answer a moment ago');
		}
		try {
			const response = await oauth.discoveryRequest(issuer, { ...this.#options, algorithm: 'oidc' });
			const server = await oauth.processDiscoveryResponse(issuer, response);
			known = { issuer: issuer.href, at: now, server };
			return server;
		} catch (error) {
			known = { issuer: issuer.href, at: now, server: null };
			throw new SignInRefused('unavailable', error);
		}
	}
}

function reasonOf(error: unknown): SignInRefusal {
	if (error instanceof SignInRefused) return error.reason;
	if (error instanceof oauth.AuthorizationResponseError) return error.error === 'access_denied' ? 'denied' : 'invalid';
	// The code was used, or too old.
	if (error instanceof oauth.ResponseBodyError) return error.error === 'invalid_grant' ? 'expired' : 'invalid';
	if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError)
		return 'invalid';
	if (error instanceof oauth.WWWAuthenticateChallengeError) return 'invalid';
	return 'unavailable';
}

/** Of the provider's answers, so much and no more, and not for ever. */
const bounded =
	(fetch: Fetch) =>
	async (input: string, init: oauth.CustomFetchOptions<string, URLSearchParams | undefined>): Promise<Response> => {
		const { body, headers, method, redirect } = init;
		const response = await fetch(input, {
			headers,
			method,
			redirect,
			signal: AbortSignal.timeout(PATIENCE_MS),
			...(body !== undefined && { body }),
		});
		const parts: Uint8Array[] = [];
		let length = 0;
		for await (const part of response.body ?? []) {
			length += part.length;
			if (length > ANSWER_MAX) throw new Error('the provider answered too much');
			parts.push(part);
		}
		return new Response(length > 0 ? new Blob(parts) : null, { status: response.status, headers: response.headers });
	};
