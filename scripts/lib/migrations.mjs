// The migrations drizzle-kit wrote, in order, cut into statements.
import fs from 'node:fs';
import path from 'node:path';

/** @param {string} sql */
export const statementsOf = (sql) =>
	sql
		.split('--> statement-breakpoint')
		.map((statement) => statement.trim())
		.filter(Boolean);

/** @param {string} dir @returns {{name: string, statements: string[]}[]} */
export function readMigrations(dir) {
	if (!fs.existsSync(dir)) return [];
	return fs
		.readdirSync(dir)
		.filter((name) => name.endsWith('.sql'))
		.sort()
		.map((name) => ({ name, statements: statementsOf(fs.readFileSync(path.join(dir, name), 'utf8')) }));
}
