import { z } from 'zod';
import { matches } from './env.ts';
import type { Policy } from './index.ts';
import { isUnder } from './paths.ts';
import { vaultMatches, VAULT_PATTERN } from './vault.ts';

/** `env:NAME`, `env:PREFIX*`, `file:` and a directory (ends in /) or a file, or a path in Vault. */
export const SecretPattern = z
	.string()
	.max(512)
	.regex(
		new RegExp(`^(env:[A-Za-z_][A-Za-z0-9_]{0,62}\\*?|file:/[^\\0\\n]{1,400}|${VAULT_PATTERN})$`),
		'expected env:NAME, env:PREFIX*, file:/path or vault:kv2/MOUNT/PATH/*',
	)
	.refine((p) => !p.split('/').includes('..'), 'must not hold ..');

/** Whether a project may use the reference, by its words alone. */
export function secretAllowed(ref: string, project_id: number, policy: Policy): boolean {
	const patterns = policy.secrets[String(project_id)] ?? [];
	return patterns.some((pattern) => {
		if (pattern.startsWith('file:') && ref.startsWith('file:'))
			return pattern.endsWith('/') ? isUnder(ref.slice(5), pattern.slice(5)) : ref === pattern;
		if (pattern.startsWith('vault:')) return vaultMatches(ref, pattern);
		return pattern.startsWith('env:') && matches(ref, pattern);
	});
}

/** The directories and files a project's `file:` references may lead to. */
export const secretRoots = (project_id: number, policy: Policy): string[] =>
	(policy.secrets[String(project_id)] ?? []).flatMap((p) => (p.startsWith('file:') ? [p.slice(5)] : []));
