/** The object's SQLite, as the logic needs it: `DurableObjectStorage` fits as it is, and so does a small wrapper over node:sqlite. */
export interface Sql {
	exec<T extends Record<string, ArrayBuffer | string | number | null>>(
		query: string,
		...bindings: (Uint8Array | string | number | null)[]
	): { toArray(): T[] };
}

export interface Storage {
	sql: Sql;
	/** All of it or, where it throws, none. */
	transactionSync<T>(work: () => T): T;
}

/** Where sealed parts of a log go. Keys are never reused for other bytes. */
export interface Segments {
	put(key: string, bytes: Uint8Array): Promise<void>;
	/** Null where there is no such object. */
	get(key: string, range: { offset: number; length: number }): Promise<Uint8Array | null>;
}
