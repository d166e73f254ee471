import type { HookProvider } from '#domain/git-hook.ts';
import { isSame, isSigned } from '../hmac.ts';

/** Whether it comes from who knows the secret. GitHub and Gitea sign the body; GitLab sends the secret itself. */
export async function isProved(
	provider: HookProvider,
	secret: string,
	proof: string,
	body: Uint8Array,
): Promise<boolean> {
	if (provider === 'gitlab') return isSame(secret, proof);
	const hex = provider === 'github' ? proof.replace(/^sha256=/, '') : proof;
	return (provider !== 'github' || hex !== proof) && isSigned(secret, hex, body);
}
