import type { Segments } from './core/storage.ts';

/** The `Segments` port over the bucket. */
export const segmentsOf = (bucket: R2Bucket): Segments => ({
	async put(key, bytes) {
		await bucket.put(key, bytes, { httpMetadata: { contentType: 'application/zstd' } });
	},
	async get(key, range) {
		const object = await bucket.get(key, { range });
		return object === null ? null : new Uint8Array(await object.arrayBuffer());
	},
});
