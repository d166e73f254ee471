import { z } from 'zod';
import { VAULT_PATH, VAULT_REF, vaultRef } from '#domain/vault-ref.ts';
import { OwnRef } from './own-ref.ts';
import { AbsolutePath } from './paths.ts';

const HttpsOrigin = z
	.string()
	.max(512)
	.refine((text) => {
		const url = URL.canParse(text) ? new URL(text) : null;
		return (
			url?.protocol === 'https:' && url.username === '' && url.password === '' && text.replace(/\/$/, '') === url.origin
		);
	}, 'expected https://host or https://host:port');

/** The Vault that `vault:` references are looked up in, and how the agent proves who it is. */
export const VaultPolicy = z.strictObject({
	address: HttpsOrigin,
	/** Who signed its certificate; left out: whoever this host trusts. */
	ca: AbsolutePath.nullable().default(null),
	/** The name its certificate must have, where that is not the address's. */
	server_name: z
		.string()
		.regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, 'expected the name of a host')
		.nullable()
		.default(null),
	namespace: z
		.string()
		.regex(new RegExp(`^[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}$`), 'expected a namespace, as team or org/team')
		.nullable()
		.default(null),
	auth: z.union([
		z.strictObject({ token: OwnRef }),
		z.strictObject({
			approle: z.strictObject({
				role_id: OwnRef,
				secret_id: OwnRef,
				mount: z
					.string()
					.regex(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/, 'expected the name of a mount')
					.default('approle'),
			}),
		}),
	]),
	/** For all of one look-up. */
	timeout_s: z.int().min(1).max(60).default(10),
});
export type VaultPolicy = z.infer<typeof VaultPolicy>;

/** A path in Vault with its mount: as it is, with a field, or all that is below it (`/*`). */
export const VAULT_PATTERN = `vault:kv2/${VAULT_PATH}(?:/\\*)?|vault:kv2/[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}/\\*|${VAULT_REF}`;

/** Whether the reference is one of those the pattern stands for: whole parts of paths, compared as they are written. */
export function vaultMatches(ref: string, pattern: string): boolean {
	const at = vaultRef(ref);
	if (!at) return false;
	const path = `vault:kv2/${at.mount}/${at.path}`;
	if (pattern.endsWith('/*')) return path.startsWith(pattern.slice(0, -1));
	return pattern.includes('#') ? ref === pattern || `${path}#${at.field}` === pattern : path === pattern;
}
