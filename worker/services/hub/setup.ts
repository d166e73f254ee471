import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import { conflict } from '#domain/errors.ts';
import type { FirstAdmin, User } from '#domain/user.ts';
import { identities, sessions, users } from '../../db/client.ts';
import { commit, lastInserted, LostRace } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created } from '../edit.ts';
import type { Passwords } from '../session/passwords.ts';
import { newSession, type Session } from '../session/session.ts';

/** Whether the hub still waits for its first admin. */
export async function needsSetup(ctx: Ctx): Promise<boolean> {
	return (await ctx.db.select({ id: users.id }).from(users).limit(1)).length === 0;
}

/** The first visitor of an empty hub becomes its admin, signed in. Of two at once, one. */
export async function setup(
	ctx: Ctx,
	passwords: Passwords,
	admin: z.infer<typeof FirstAdmin>,
	user_agent: string | null,
): Promise<{ user: User; session: Session }> {
	const done = () => conflict('This hub has its people already: sign in.');
	if (!(await needsSetup(ctx))) throw done();

	const password_hash = await passwords.hash(admin.password);
	const user_id = sql<number>`${lastInserted('users')}`;
	const { session, row } = await newSession(ctx, user_id, user_agent);
	const { username, locale, display_name = null } = admin;
	try {
		const [[user]] = await commit(
			ctx,
			{ kind: 'system' },
			{
				expect: [sql`not exists (select 1 from users)`],
				statements: [
					ctx.db
						.insert(users)
						.values({
							username,
							display_name,
							locale,
							role: 'admin',
							last_login_at: new Date(ctx.now()).toISOString(),
							...created(ctx),
						})
						.returning(),
					ctx.db.insert(identities).values({
						user_id,
						provider: 'credential',
						subject: sql`${lastInserted('users')}`,
						password_hash,
						...created(ctx),
					}),
					ctx.db.insert(sessions).values(row),
				],
				audit: [{ action: 'hub.setup', object_type: 'User', object_id: lastInserted('users'), project_id: null }],
			},
		);
		if (!user) throw done();
		return { user, session };
	} catch (error) {
		throw error instanceof LostRace ? done() : error;
	}
}
