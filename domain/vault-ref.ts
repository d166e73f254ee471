/** A field of a secret in Vault's key-value store, version 2 of it. */
export interface VaultRef {
	mount: string;
	path: string;
	field: string;
	/** Null: the newest. */
	version: number | null;
}

/** No part can lead up (`..`), hide a slash (`%2f`) or be read as an option. */
const segment = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
export const VAULT_PATH = `${segment}(?:/${segment}){1,16}`;
export const VAULT_REF = `vault:kv2/${VAULT_PATH}#${segment}(?:@[1-9][0-9]{0,8})?`;

/** What may be kept as a reference: also of other engines, which agents of this version do not ask. */
export const VAULT_ANY = `vault:${segment}(?:/${segment}){0,17}(?:#${segment}(?:@[1-9][0-9]{0,8})?)?`;

const parts = new RegExp(`^(?=${VAULT_REF}$)vault:kv2/([^/]+)/([^#]+)#([^@]+)(?:@(.+))?$`);

/** Null for what is none. */
export function vaultRef(text: string): VaultRef | null {
	const [, mount, path, field, version] = parts.exec(text) ?? [];
	if (mount === undefined || path === undefined || field === undefined) return null;
	return { mount, path, field, version: version === undefined ? null : Number(version) };
}
