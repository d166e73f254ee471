import { sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { Id, Time } from '#domain/common.ts';
import { identities, spent_states } from '../../db/client.ts';
import { toBase64url } from '../bytes.ts';
import type { Ctx } from '../context.ts';

/** How long a code may be looked for after the password was right. */
const PENDING_MS = 5 * 60_000;

/** A sign-in that lacks only its code. It travels sealed, in a cookie, and is no session: nothing else takes it. */
export const PendingSignIn = z.strictObject({
	id: z.string(),
	user_id: Id,
	/** What proved the person so far; another password or another link since, and it proves nothing. */
	identity_id: Id,
	identity_at: z.int(),
	via: z.enum(['password', 'oidc']),
	expires_at: Time,
});
export type PendingSignIn = z.infer<typeof PendingSignIn>;

/** Which identity, and as of when (milliseconds); under names of their own, for D1's batches lose columns of one name. */
export const identityProof = {
	identity_id: sql<number>`${identities.id}`.as('identity_id'),
	identity_at: sql<number>`${identities.updated_at}`.as('identity_at'),
};
export type IdentityProof = Pick<PendingSignIn, 'identity_id' | 'identity_at'>;

/** That proof still stands. */
export const stands = ({ identity_id, identity_at }: IdentityProof): SQL =>
	sql`exists (select 1 from identities where identities.id = ${identity_id} and identities.updated_at = ${identity_at})`;

/** The person has a second factor: there is no session before its code. */
export class CodeIsNeeded extends Error {
	readonly pending: PendingSignIn;
	constructor(ctx: Ctx, user_id: number, { identity_id, identity_at }: IdentityProof, via: PendingSignIn['via']) {
		super('A code is needed yet.');
		this.pending = {
			id: randomId(),
			user_id,
			identity_id,
			identity_at,
			via,
			expires_at: new Date(ctx.now() + PENDING_MS).toISOString(),
		};
	}
}

export const randomId = (): string => toBase64url(crypto.getRandomValues(new Uint8Array(16)));

/** A sealed state is good once, however long its cookie is kept. */
export const unspent = (id: string): SQL => sql`not exists (select 1 from spent_states where spent_states.id = ${id})`;

export const spend = (ctx: Ctx, { id, expires_at }: { id: string; expires_at: string }) =>
	ctx.db.insert(spent_states).values({ id, expires_at });
