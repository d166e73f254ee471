// A real identity provider over real HTTP, for the whole flow in a browser.
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import Provider from 'oidc-provider';

export const CLIENT = { id: 'uhub', secret: 'a-secret-between-hub-and-provider' };

export interface IdentityProvider {
	readonly issuer: string;
	/** The hub is known only once it runs, and it must be told of the issuer before. */
	serve(hub: string): void;
	stop(): Promise<void>;
}

/** `people`: what the provider says of whoever signs in under that name. */
export async function startIdentityProvider(
	people: Record<string, Record<string, unknown>>,
): Promise<IdentityProvider> {
	const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
	const server = http.createServer();
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
	return {
		issuer,
		serve(hub) {
			const provider: Provider = new Provider(issuer, {
				clients: [
					{
						client_id: CLIENT.id,
						client_secret: CLIENT.secret,
						redirect_uris: [`${hub}/api/auth/oidc/callback`],
						response_types: ['code'],
						grant_types: ['authorization_code'],
					},
				],
				claims: {
					openid: ['sub'],
					email: ['email', 'email_verified'],
					profile: ['name', 'preferred_username', 'locale', 'groups'],
				},
				cookies: { keys: ['a key of these tests'] },
				jwks: { keys: [key.export({ format: 'jwk' })] },
				ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 60, IdToken: 60 },
				features: { devInteractions: { enabled: false } },
				interactions: { url: () => '/login' },
				findAccount: (_, sub) => people[sub] && { accountId: sub, claims: () => ({ ...people[sub], sub }) },
				// Nobody is asked whether this hub may know who they are.
				async loadExistingGrant(ctx) {
					const grant = new provider.Grant({ clientId: CLIENT.id, accountId: ctx.oidc.session?.accountId ?? '' });
					grant.addOIDCScope('openid email profile');
					await grant.save();
					return grant;
				},
			});
			const answer = provider.callback();
			server.on('request', (request, response) => {
				void (request.url === '/login' ? login(provider, request, response) : answer(request, response));
			});
		},
		async stop() {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		},
	};
}

const PAGE = `<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,">
<form method="post"><input name="login" aria-label="Login"><button>Log in</button></form>`;

async function login(provider: Provider, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
	if (request.method !== 'POST') {
		response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
		return;
	}
	const accountId = new URLSearchParams(await text(request)).get('login') ?? '';
	await provider.interactionFinished(request, response, { login: { accountId } });
}
