import { eq, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { audit_logs, identities, users } from '#worker/db/client.ts';
import { systemCtx } from '#worker/http/context.ts';
import { issueEnrolment } from '#worker/services/agents/enrol.ts';
import { sealAudit } from '#worker/services/audit/seal.ts';
import { commit } from '#worker/services/commit.ts';
import type { Ctx } from '#worker/services/context.ts';
import { passwords } from '#worker/services/session/passwords.ts';
import { demoStatements } from './demo.ts';
import { demoUsers } from './people.ts';
import { importPast } from './import.ts';

/** The seed's work is awaited: nothing outlives it. */
const seedCtx = (env: Env): Ctx => systemCtx(env, { waitUntil: () => undefined });

/**
 * Fills an empty hub with the demo; safe to call again, when it gives the four demo accounts this password. A hub that has
 * people of its own is left as it is.
 */
export async function seedDemo(env: Env, { password }: { password: string }): Promise<void> {
	// One moment for all of it: the logs are made from when the rows say that they ran.
	const now = Date.now();
	const ctx: Ctx = { ...seedCtx(env), now: () => now };
	const hashes = await Promise.all(demoUsers.map(() => passwords.hash(password)));
	const [people, [seeded]] = await ctx.db.batch([
		ctx.db.select({ id: users.id, username: users.username }).from(users).limit(200),
		ctx.db.select({ at: audit_logs.timestamp }).from(audit_logs).where(eq(audit_logs.action, 'hub.seed')).limit(1),
	]);
	if (people.length > 0 && !seeded)
		throw new Error('This hub has its own people: the demo goes into an empty one only.');

	if (!seeded)
		await commit(
			ctx,
			{ kind: 'system' },
			{
				expect: [sql`not exists (select 1 from users)`],
				statements: await demoStatements(ctx, hashes),
				audit: [{ action: 'hub.seed', object_type: 'Hub', object_id: null, project_id: null }],
			},
		);
	else await newPasswords(ctx, people, hashes);
	await importPast(env, ctx, seeded?.at ?? new Date(ctx.now()).toISOString());
	// Some of the past's audit is weeks old: unsealed, the hub would say until the next minute that its clock stands still.
	await sealAudit(ctx);
}

async function newPasswords(ctx: Ctx, people: { id: number; username: string }[], hashes: string[]): Promise<void> {
	const statements: BatchItem<'sqlite'>[] = demoUsers.flatMap(({ username }, n) => {
		const person = people.find((one) => one.username === username);
		const password_hash = hashes[n];
		return person && password_hash !== undefined
			? [ctx.db.update(identities).set({ password_hash }).where(eq(identities.user_id, person.id))]
			: [];
	});
	await commit(ctx, { kind: 'system' }, { statements, audit: [] });
}

/** A single-use enrolment token for the local agent: every project, and nobody need compare its fingerprint. */
export async function issueLocalEnrolment(env: Env): Promise<{ token: string }> {
	const { token } = await issueEnrolment(seedCtx(env), { kind: 'system' }, { project_ids: null, labels: {} }, true);
	return { token };
}
