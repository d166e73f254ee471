import { identities, users } from '../../db/client.ts';
import type { UserCreate, UserMade } from '#domain/user.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { enter } from '../gate.ts';
import { newPassword, type Passwords } from '../session/passwords.ts';
import { stillAdmin } from './rules.ts';

/** A new person, who signs in with the password that was given, or with one that is shown this once. */
export async function createUser(ctx: Ctx, passwords: Passwords, input: UserCreate): Promise<UserMade> {
	const { actor } = await enter(ctx, 'user.create', null, []);
	const { password, ...fields } = input;
	const generated_password = password === undefined ? newPassword() : null;
	const password_hash = await passwords.hash(password ?? generated_password ?? '');
	const user_id = lastInserted('users');
	const [rows] = await commit(ctx, actor, {
		expect: [stillAdmin(actor)],
		statements: [
			ctx.db
				.insert(users)
				.values({ ...fields, ...created(ctx) })
				.returning(),
			ctx.db
				.insert(identities)
				.values({ user_id, provider: 'credential', subject: user_id, password_hash, ...created(ctx) }),
		],
		audit: [
			{
				action: 'user.create',
				object_type: 'User',
				object_id: user_id,
				project_id: null,
				metadata: { username: input.username, role: input.role },
			},
		],
	});
	return { ...one(rows, 'user'), generated_password };
}
