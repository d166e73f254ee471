import { authMessage } from '#protocol/agent.ts';

/** What is left of base64url after its alphabet is translated; throws on anything that is none. */
function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
}

/** Whether the agent holds the key it enrolled with: Ed25519, raw public key and signature in base64url. */
export async function signedBy(
	public_key: string,
	signature: string,
	message: Parameters<typeof authMessage>[0],
): Promise<boolean> {
	try {
		const key = await crypto.subtle.importKey('raw', bytesOf(public_key), 'Ed25519', false, ['verify']);
		return await crypto.subtle.verify('Ed25519', key, bytesOf(signature), authMessage(message));
	} catch {
		// A signature of another length, or no base64url at all.
		return false;
	}
}

/** 32 random bytes, base64url. */
export const newChallenge = (): string =>
	btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))
		.replaceAll('+', '-')
		.replaceAll('/', '_')
		.replaceAll('=', '');
