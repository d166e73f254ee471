import { signedContent, signedHeaders, signingKey } from '#protocol/signed-request.ts';

interface Signed {
	event: string;
	/** What the request is called: the same at each attempt. */
	id: string;
	body: string;
	/** The hub's. */
	version: string;
}

/** The headers of a request that is signed at that moment (milliseconds UTC). */
export async function signed(secret: string, { body, ...named }: Signed, now: number): Promise<Record<string, string>> {
	const timestamp = Math.floor(now / 1000);
	const hash = { name: 'HMAC', hash: 'SHA-256' };
	const key = await crypto.subtle.importKey('raw', signingKey(secret), hash, false, ['sign']);
	const content = new TextEncoder().encode(signedContent(named.id, timestamp, body));
	const hmac = btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign('HMAC', key, content))));
	return signedHeaders({ ...named, timestamp, hmac });
}
