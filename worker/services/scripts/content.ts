import { sha256 } from '../bytes.ts';
import type { Store } from '../context.ts';

/** Where an uploaded script lies: by the hash of its content, so that a changed script never changes a run under way. */
export const scriptKey = (project_id: number, sha256: string): string => `scripts/${String(project_id)}/${sha256}`;

/** Stores the content, and gives the columns that say where. Before the row commits: bytes without a row harm nobody. */
export async function storeContent(store: Store, project_id: number, bytes: Uint8Array) {
	const hash = await sha256(bytes);
	const location = scriptKey(project_id, hash);
	await store.put(location, bytes);
	return { location, sha256: hash, size: bytes.length };
}
