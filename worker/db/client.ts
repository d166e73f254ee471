import { drizzle } from 'drizzle-orm/d1';

/** Without the schema: what Drizzle would make of it for its query builder costs half a millisecond at each request. */
export const connect = (d1: D1Database) => drizzle(d1);
export type Db = ReturnType<typeof connect>;
export * from './schema/index.ts';
