import { and, eq, getTableName, sql, type SQL } from 'drizzle-orm';
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { conflict } from '#domain/errors.ts';
import type { User } from '#domain/user.ts';
import * as schema from '../../db/schema/index.ts';
import { audit_logs, events, users } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import type { UserActor } from '../gate.ts';

/** Who acts is an admin to the last: for `expect`, so that of two who take each other's role one is too late. */
export const stillAdmin = (actor: UserActor): SQL =>
	sql`exists (select 1 from users where id = ${actor.id} and role = 'admin' and is_active = 1)`;

const anotherAdmin = (id: number): SQL =>
	sql`exists (select 1 from users where id <> ${id} and role = 'admin' and is_active = 1)`;

type Rank = Pick<User, 'id' | 'role' | 'is_active'>;
const governs = ({ role, is_active }: Pick<Rank, 'role' | 'is_active'>) => role === 'admin' && is_active;

/** Whether there is another active admin, for the batch that reads. */
export const otherAdmins = (ctx: Ctx, id: number) =>
	ctx.db
		.select({ id: users.id })
		.from(users)
		.where(and(sql`${users.id} <> ${id}`, eq(users.role, 'admin'), eq(users.is_active, true)))
		.limit(1);

/** Throws where the hub would be left without an active admin. Gives what must still hold at the writing. */
export function keepAnAdmin(before: Rank, after: Partial<Rank> | null, others: readonly unknown[]): SQL[] {
	if (!governs(before) || (after !== null && governs({ ...before, ...after }))) return [];
	if (others.length === 0) throw conflict('This is the last active admin: make somebody else admin first.');
	return [anotherAdmin(before.id)];
}

/** Every column of every table that names a person and is not deleted with them. */
const references: { table: string; column: string }[] = Object.values(schema)
	.filter((table) => table instanceof SQLiteTable)
	.flatMap((table) =>
		getTableConfig(table).foreignKeys.flatMap((key) => {
			const { columns, foreignTable } = key.reference();
			if (foreignTable !== users || key.onDelete === 'cascade') return [];
			return columns.map(({ name }) => ({ table: getTableName(table), column: name }));
		}),
	);

/** The names are the schema's own and the id is a number: as they are, for there may be more than can be bound. */
const named = (id: number, { table, column }: { table: string; column: string }): SQL<number> =>
	sql<number>`exists (select 1 from ${sql.identifier(table)} where ${sql.identifier(column)} = ${sql.raw(String(id))})`;

/** What they did to anything but themselves: the audit calls them by their name. */
const acted = (id: number): SQL<number> =>
	sql<number>`exists (select 1 from ${audit_logs} where user_id = ${id} and action not like 'session.%' and action not like 'me.%')`;

const invited = (id: number): SQL<number> =>
	sql<number>`exists (select 1 from ${events}, json_each(${events.attendees}) person where person.value = ${sql.raw(String(id))})`;

const trails = (id: number): [string, SQL<number>][] => [
	...references.map((r): [string, SQL<number>] => [`${r.table}.${r.column}`, named(id, r)]),
	['events.attendees', invited(id)],
	['audit_logs.user_id', acted(id)],
];

/** What hangs on a person, for the batch that reads: for each column that may name them, whether it does. */
export const hanging = (ctx: Ctx, id: number) => ctx.db.select(Object.fromEntries(trails(id))).from(sql`(select 1)`);

/** Nothing hangs on the person: for `expect`. */
export const free = (id: number): SQL =>
	sql`not (${sql.join(
		trails(id).map(([, found]) => found),
		sql` or `,
	)})`;
