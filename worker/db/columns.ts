import { customType, integer, text } from 'drizzle-orm/sqlite-core';

/** A moment: integer milliseconds UTC in the row, ISO 8601 with `Z` everywhere else. */
export const time = customType<{ data: string; driverData: number }>({
	dataType: () => 'integer',
	fromDriver: (ms) => new Date(ms).toISOString(),
	toDriver: (iso) => Date.parse(iso),
});

export const id = () => integer().primaryKey({ autoIncrement: true });

export const stamps = () => ({ created_at: time().notNull(), updated_at: time().notNull() });

/** `version` grows by one at each change: an edit names the one it read. */
export const editable = () => ({ version: integer().notNull().default(1), ...stamps() });

/** Text that is one of an enumeration's values. */
export const oneOf = <T extends string>(_values: { options: T[] }) => text().$type<T>();
