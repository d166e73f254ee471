import { sha256 } from './bytes.ts';
import type { Store } from './context.ts';

/** Keeps a document under the hash of what is kept. Before the row commits: bytes without a row harm nobody. */
export async function storeDocument(
	store: Store,
	kind: 'inventories' | 'plans',
	project_id: number,
	bytes: Uint8Array,
): Promise<{ key: string; sha256: string; size: number }> {
	const hash = await sha256(bytes);
	const key = documentKey(kind, project_id, hash);
	await store.put(key, bytes);
	return { key, sha256: hash, size: bytes.length };
}

export const documentKey = (kind: 'inventories' | 'plans', project_id: number, hash: string): string =>
	`${kind}/${String(project_id)}/${hash}`;
