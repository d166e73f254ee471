import type { Segments } from './core/storage.ts';
import { within } from './core/within.ts';

/** A store that says nothing for so long is taken to be away: the same is put again later, under the same key and byte for byte. */
const PUT_WITHIN_MS = 30_000;

/** The `Segments` port over the bucket. */
export const segmentsOf = (bucket: R2Bucket): Segments => ({
	async put(key, bytes) {
		const put = bucket.put(key, bytes, { httpMetadata: { contentType: 'application/zstd' } });
		await within(PUT_WITHIN_MS, put, 'the store');
	},
	async get(key, range) {
		const object = await bucket.get(key, { range });
		return object === null ? null : new Uint8Array(await object.arrayBuffer());
	},
});
