import { toBase64url } from '#worker/services/bytes.ts';

// An identity provider as far as a client sees it: discovery, keys, tokens, userinfo. What it says can be bent for each test.

export interface Bent {
	/** Claims of the ID token, over the right ones; undefined leaves one out. */
	claims?: Record<string, unknown>;
	userinfo?: Record<string, unknown>;
	/** Signs with a key it does not publish. */
	forged?: boolean;
	alg?: 'RS256' | 'none';
	/** The token endpoint refuses. */
	refuses?: string;
	discovery?: Record<string, unknown>;
	away?: boolean;
	huge?: boolean;
}

interface Granted {
	nonce: string;
	challenge: string;
	redirect_uri: string;
	claims: Record<string, unknown>;
}

const encode = (value: unknown) => toBase64url(new TextEncoder().encode(JSON.stringify(value)));
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const newKey = () =>
	crypto.subtle.generateKey({ ...rsa, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, true, [
		'sign',
		'verify',
	]) as Promise<CryptoKeyPair>;

export async function fakeProvider(issuer: string, client_id: string) {
	const [key, other] = await Promise.all([newKey(), newKey()]);
	const codes = new Map<string, Granted>();
	const users = new Map<string, Record<string, unknown>>();
	const asked: { path: string; form: URLSearchParams; authorization: string | null }[] = [];
	let bent: Bent = {};
	let made = 0;

	async function idToken(claims: Record<string, unknown>): Promise<string> {
		const head = encode({ alg: bent.alg ?? 'RS256', kid: 'k1' });
		const signed = `${head}.${encode(claims)}`;
		if (bent.alg === 'none') return `${signed}.`;
		const by = bent.forged ? other.privateKey : key.privateKey;
		return `${signed}.${toBase64url(new Uint8Array(await crypto.subtle.sign(rsa, by, new TextEncoder().encode(signed))))}`;
	}

	async function tokens(form: URLSearchParams): Promise<Response> {
		if (bent.refuses) return Response.json({ error: bent.refuses }, { status: 400 });
		const code = form.get('code') ?? '';
		const granted = codes.get(code);
		codes.delete(code);
		const verifier = new TextEncoder().encode(form.get('code_verifier') ?? '');
		const challenge = toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', verifier)));
		if (granted?.challenge !== challenge || granted.redirect_uri !== form.get('redirect_uri'))
			return Response.json({ error: 'invalid_grant' }, { status: 400 });
		const now = Math.floor(Date.now() / 1000);
		const all = {
			iss: issuer,
			aud: client_id,
			iat: now,
			exp: now + 60,
			nonce: granted.nonce,
			...granted.claims,
			...bent.claims,
		};
		const access_token = `at${String(++made)}`;
		users.set(access_token, { sub: granted.claims.sub, ...bent.userinfo });
		return Response.json({ access_token, token_type: 'Bearer', expires_in: 60, id_token: await idToken(all) });
	}

	async function answer(request: Request): Promise<Response> {
		const { pathname } = new URL(request.url);
		const form = new URLSearchParams(
			request.method === 'POST' ? new TextDecoder().decode(await request.arrayBuffer()) : '',
		);
		const authorization = request.headers.get('authorization');
		asked.push({ path: pathname, form, authorization });
		if (bent.away) return new Response('away', { status: 503 });
		if (bent.huge) return new Response('x'.repeat(600_000), { headers: { 'content-type': 'application/json' } });
		switch (pathname) {
			case '/.well-known/openid-configuration':
				return Response.json({
					issuer,
					authorization_endpoint: `${issuer}/authorize`,
					token_endpoint: `${issuer}/token`,
					jwks_uri: `${issuer}/keys`,
					userinfo_endpoint: `${issuer}/userinfo`,
					id_token_signing_alg_values_supported: ['RS256'],
					response_types_supported: ['code'],
					authorization_response_iss_parameter_supported: true,
					...bent.discovery,
				});
			case '/keys':
				return Response.json({
					keys: [
						{
							...((await crypto.subtle.exportKey('jwk', key.publicKey)) as JsonWebKey),
							kid: 'k1',
							use: 'sig',
							alg: 'RS256',
						},
					],
				});
			case '/token':
				return tokens(form);
			case '/userinfo':
				return Response.json(users.get(authorization?.replace('Bearer ', '') ?? '') ?? {});
			default:
				return new Response('no such thing', { status: 404 });
		}
	}

	return {
		issuer,
		asked,
		bend: (how: Bent) => (bent = how),
		fetch: (input: RequestInfo | URL, init?: RequestInit) => answer(new Request(input, init)),
		/** The person agrees at `address`; gives what the browser brings back. */
		grant(address: string, claims: Record<string, unknown>): URLSearchParams {
			const { searchParams: asked } = new URL(address);
			const code = `code${String(++made)}`;
			codes.set(code, {
				nonce: asked.get('nonce') ?? '',
				challenge: asked.get('code_challenge') ?? '',
				redirect_uri: asked.get('redirect_uri') ?? '',
				claims,
			});
			return new URLSearchParams({ code, state: asked.get('state') ?? '', iss: issuer });
		},
	};
}
