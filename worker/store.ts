import type { Store } from './services/context.ts';

/** The `Store` port over the bucket. */
export const storeOf = (env: Env): Store => ({
	async put(key, bytes) {
		await env.STORE.put(key, bytes);
	},
	async get(key) {
		const object = await env.STORE.get(key);
		return object === null ? null : new Uint8Array(await object.arrayBuffer());
	},
});
