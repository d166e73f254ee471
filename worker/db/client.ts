import { drizzle } from 'drizzle-orm/d1';

/** Without the schema: what Drizzle would make of it for its query builder costs half a millisecond at each request. */
const connected = (d1: D1Database) => drizzle(d1);
export type Db = ReturnType<typeof connected>;

const known = new WeakMap<D1Database, Db>();

/** One for each binding: what Drizzle learns of the tables is learned once. */
export function connect(d1: D1Database): Db {
	const db = known.get(d1) ?? connected(d1);
	known.set(d1, db);
	return db;
}
export * from './schema/index.ts';
