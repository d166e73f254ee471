import { and, eq, ne, sql } from 'drizzle-orm';
import type { z } from 'zod';
import type { EnrolAnswer, EnrolRequest } from '#domain/agent.ts';
import { forbidden, invalid } from '#domain/errors.ts';
import { enrolMessage } from '#protocol/agent.ts';
import { agents, enrolments } from '../../db/client.ts';
import { assertWithin, countAttempt, type Limit, uncount } from '../attempts.ts';
import { fromBase64url, sha256 } from '../bytes.ts';
import { commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, one } from '../edit.ts';
import { hashOf } from '../secrets.ts';

/**
 * An agent uses its enrolment token, once, and proves that it holds the key it names. It stays `pending` until an admin has
 * compared the fingerprint. Of two that race with one token, one gets in.
 */
export async function joinAgent(ctx: Ctx, input: EnrolRequest): Promise<z.infer<typeof EnrolAnswer>> {
	const limit: Limit = { subject: `enrol:${ctx.ip ?? ''}`, max: 30 };
	const token_hash = await hashOf(input.token);
	const [[counted], [enrolment], [keyless]] = await ctx.db.batch([
		countAttempt(ctx, limit),
		ctx.db.select().from(enrolments).where(eq(enrolments.token_hash, token_hash)),
		// One that came with an archive has no key here: under its name it enrols again, and its runs stay its own.
		ctx.db
			.select({ id: agents.id })
			.from(agents)
			.where(and(eq(agents.name, input.name), eq(agents.fingerprint, ''), ne(agents.status, 'revoked'))),
	]);
	assertWithin(ctx, limit, counted);
	if (!(await holdsKey(input))) throw invalid('signature', 'is not made with this key over this token');
	if (!enrolment || enrolment.used_at !== null || Date.parse(enrolment.expires_at) <= ctx.now())
		throw forbidden('the enrolment token is unknown, used or expired');

	const { name, public_key, capacity, version } = input;
	const fingerprint = await sha256(fromBase64url(public_key));
	const agent_id = keyless ? sql<number>`${keyless.id}` : sql<number>`${lastInserted('agents')}`;
	const now = new Date(ctx.now()).toISOString();
	const fields = {
		name,
		public_key,
		fingerprint,
		capacity,
		agent_version: version,
		// What the admin said of it when the token was made stands above what it says of itself.
		labels: { ...input.labels, ...enrolment.labels },
		project_ids: enrolment.project_ids,
		status: enrolment.confirmed ? ('offline' as const) : ('pending' as const),
	};
	const [rows] = await commit(
		ctx,
		{ kind: 'system' },
		{
			expect: [
				sql`exists (select 1 from enrolments where id = ${enrolment.id} and used_at is null and expires_at > ${ctx.now()})`,
				...(keyless ? [sql`exists (select 1 from agents where id = ${keyless.id} and fingerprint = '')`] : []),
			],
			statements: [
				keyless
					? ctx.db
							.update(agents)
							.set({ ...fields, version: sql`version + 1`, updated_at: now })
							.where(eq(agents.id, keyless.id))
							.returning()
					: ctx.db
							.insert(agents)
							.values({ ...fields, ...created(ctx) })
							.returning(),
				ctx.db
					.update(enrolments)
					.set({ used_at: now, updated_at: now, agent_id })
					.where(eq(enrolments.id, enrolment.id)),
				uncount(ctx, limit),
			],
			audit: [
				{
					action: 'agent.join',
					object_type: 'Agent',
					object_id: agent_id,
					project_id: null,
					metadata: { name, fingerprint, enrolment_id: enrolment.id },
				},
			],
		},
	);
	const agent = one(rows, 'agent');
	return { agent_id: agent.id, status: agent.status, fingerprint };
}

async function holdsKey({ token, public_key, signature }: EnrolRequest): Promise<boolean> {
	try {
		const key = await crypto.subtle.importKey('raw', fromBase64url(public_key), 'Ed25519', false, ['verify']);
		return await crypto.subtle.verify('Ed25519', key, fromBase64url(signature), enrolMessage({ token, public_key }));
	} catch {
		// Not every 32 bytes are a key.
		return false;
	}
}
