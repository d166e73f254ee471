import type { HookProvider } from '#domain/git-hook.ts';

const utf8 = new TextEncoder();
const HEX = /^[0-9a-f]{64}$/i;

const keyOf = (secret: string) =>
	crypto.subtle.importKey('raw', utf8.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);

const bytesOf = (hex: string) => Uint8Array.from(hex.match(/../g) ?? [], (two) => Number.parseInt(two, 16));

/**
 * Whether it comes from who knows the secret. GitHub and Gitea sign the body; GitLab sends the secret itself. All of them are compared
 * by the platform's own HMAC, whose time says nothing.
 */
export async function isProved(
	provider: HookProvider,
	secret: string,
	proof: string,
	body: Uint8Array,
): Promise<boolean> {
	const key = await keyOf(secret);
	if (provider === 'gitlab') {
		const expected = await crypto.subtle.sign('HMAC', key, utf8.encode(secret));
		return crypto.subtle.verify('HMAC', key, expected, utf8.encode(proof));
	}
	const hex = provider === 'github' ? proof.replace(/^sha256=/, '') : proof;
	if (!HEX.test(hex) || (provider === 'github' && hex === proof)) return false;
	return crypto.subtle.verify('HMAC', key, bytesOf(hex), body);
}
