import { sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import type { SecondFactorSecret } from '#domain/second-factor.ts';
import { second_factors } from '../../db/client.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created } from '../edit.ts';
import { enter, userId } from '../gate.ts';
import type { Sealer } from '../sealed.ts';
import { sealSecret } from './factor.ts';
import { newSecret, otpauthUri } from './totp.ts';

/** A fresh secret for an authenticator. It is asked of nobody until a code confirms it; beginning again makes another. */
export async function startSecondFactor(ctx: Ctx, sealer: Sealer, host: string): Promise<SecondFactorSecret> {
	const { actor, rows } = await enter(ctx, 'second_factor.start', null, [
		ctx.db
			.select()
			.from(second_factors)
			.where(sql`${second_factors.user_id} = ${userId(ctx)}`),
	]);
	if (rows[0][0]?.confirmed_at) throw conflict('There is a second factor already: turn it off first.');

	const secret = newSecret();
	const row = { secret: await sealSecret(sealer, actor.id, secret), last_counter: 0, ...created(ctx) };
	await commit(ctx, actor, {
		expect: [sql`not exists (select 1 from second_factors where user_id = ${actor.id} and confirmed_at is not null)`],
		statements: [
			ctx.db
				.insert(second_factors)
				.values({ user_id: actor.id, ...row })
				.onConflictDoUpdate({ target: second_factors.user_id, set: row }),
		],
		audit: [{ action: 'second_factor.start', object_type: 'User', object_id: actor.id, project_id: null }],
	});
	return { secret, uri: otpauthUri(secret, actor.username, host) };
}
