import { DatabaseSync } from 'node:sqlite';
import type { Segments, Storage } from '#durable/core/storage.ts';

/** An object's storage over node:sqlite, in memory, for the logic that needs no workerd. */
export function memoryStorage(): Storage {
	const db = new DatabaseSync(':memory:');
	return {
		sql: {
			exec<T>(query: string, ...bindings: (Uint8Array | string | number | null)[]) {
				const rows = db.prepare(query).all(...bindings) as T[];
				for (const row of rows)
					for (const [name, value] of Object.entries(row as Record<string, unknown>))
						// workerd answers blobs as ArrayBuffer.
						if (value instanceof Uint8Array) Object.assign(row as object, { [name]: new Uint8Array(value).buffer });
				return { toArray: () => rows };
			},
		},
		transactionSync(work) {
			db.exec('savepoint t');
			try {
				const result = work();
				db.exec('release t');
				return result;
			} catch (error) {
				db.exec('rollback to t');
				db.exec('release t');
				throw error;
			}
		},
	};
}

/** Segments in memory. `puts` counts; `failing` makes the next puts fail, before or after the bytes are there. */
export class MemorySegments implements Segments {
	readonly objects = new Map<string, Uint8Array>();
	puts = 0;
	gets = 0;
	failing: 'before' | 'after' | null = null;

	put(key: string, bytes: Uint8Array): Promise<void> {
		this.puts++;
		if (this.failing === 'before') return Promise.reject(new Error('the store is away'));
		this.objects.set(key, bytes.slice());
		return this.failing === 'after' ? Promise.reject(new Error('the answer was lost')) : Promise.resolve();
	}

	get(key: string, { offset, length }: { offset: number; length: number }): Promise<Uint8Array | null> {
		this.gets++;
		return Promise.resolve(this.objects.get(key)?.slice(offset, offset + length) ?? null);
	}
}
