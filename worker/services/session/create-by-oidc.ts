import { and, eq, inArray, ne, sql, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { Role, User } from '#domain/user.ts';
import { identities, second_factors, sessions, users } from '../../db/client.ts';
import { type AuditEntry, commit, lastInserted } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { created, edited, unchanged } from '../edit.ts';
import type { ProviderPerson } from '../oidc/person.ts';
import { SignInRefused } from '../oidc/provider.ts';
import type { OidcSettings } from '../oidc/settings.ts';
import { addressSetBy } from '../mails/address.ts';
import { tellRooms, watchedBy } from '../live/watches.ts';
import { confirmed } from '../second_factor/factor.ts';
import { leaving, opening, type SignedIn } from './open.ts';
import { CodeIsNeeded, identityProof, spend, unspent } from './pending.ts';
import { newSession } from './session.ts';

/** Names that are tried for a new person: theirs, then with a number. */
const namesFrom = (name: string) => [name, ...Array.from({ length: 30 }, (_, n) => `${name}-${String(n + 2)}`)];

/**
 * An address that people give themselves is not theirs by that, or they would have their colleague's first sign-in, and the role
 * that comes with it, end in their own account.
 */
const emailSetBy = addressSetBy(users.id.getSQL()).as('email_set_by');

interface Coming {
	settings: OidcSettings;
	person: ProviderPerson;
	/** What came back from the provider, good for one sign-in. */
	state: { id: string; expires_at: string };
	user_agent: string | null;
}

/**
 * Signs in whom the identity provider vouches for. They are found by their subject there, or, once, by an e-mail the provider
 * has verified; never by a name. The role follows the provider's groups at every sign-in, where the operator mapped them.
 */
export async function createSessionByOidc(ctx: Ctx, coming: Coming): Promise<SignedIn> {
	const { person, settings, state } = coming;
	const { provider, subject, email } = person;
	const [[fresh], linked, sameEmail, names, [anybody]] = await ctx.db.batch([
		ctx.db
			.select({ ok: sql<number>`1` })
			.from(sql`(select 1)`)
			.where(unspent(state.id)),
		ctx.db
			.select({ user: users })
			.from(users)
			.innerJoin(identities, eq(identities.user_id, users.id))
			.where(and(eq(identities.provider, provider), eq(identities.subject, subject))),
		ctx.db
			.select({ user: users, other: identities.subject, email_set_by: emailSetBy })
			.from(users)
			.leftJoin(identities, and(eq(identities.user_id, users.id), eq(identities.provider, provider)))
			.where(email === null ? sql`0` : sql`lower(${users.email}) = ${email}`)
			.limit(2),
		ctx.db
			.select({ username: users.username })
			.from(users)
			.where(inArray(users.username, namesFrom(person.username))),
		ctx.db.select({ id: users.id }).from(users).limit(1),
	]);
	if (!fresh) throw new SignInRefused('expired');

	const [known] = linked;
	if (known) return enterAs(ctx, coming, known.user, true);

	const [found, another] = sameEmail;
	if (found) {
		if (!person.email_verified) throw new SignInRefused('unverified');
		// Two people here, or one who comes in as another subject: an address that was given to somebody else must not let them in.
		if (another || found.other !== null) throw new SignInRefused('taken');
		if (found.email_set_by === 'me.update') throw new SignInRefused('self_set');
		return enterAs(ctx, coming, found.user, false);
	}
	const role = person.mapped_role ?? settings.default_role;
	if (!settings.create) throw new SignInRefused('unknown');
	if (role === null) throw new SignInRefused('no_role');
	// An empty hub waits for its first admin, whom nobody made by signing in elsewhere.
	if (!anybody) throw new SignInRefused('unknown');
	const taken = new Set(names.map(({ username }) => username));
	const username = namesFrom(person.username).find((name) => !taken.has(name));
	if (username === undefined) throw new SignInRefused('fault', `no free name like ${person.username}`);
	return enterNew(ctx, coming, username, role);
}

/** The role the provider's groups give, when it is another than the person has. Null: it stays. */
function newRole({ settings, person }: Coming, user: User): Role | null {
	if (settings.roles === null) return null;
	const role = person.mapped_role ?? settings.default_role;
	if (role === null) throw new SignInRefused('no_role');
	return role === user.role ? null : role;
}

async function enterAs(ctx: Ctx, coming: Coming, before: User, linked: boolean): Promise<SignedIn> {
	const { person, state, user_agent } = coming;
	if (!before.is_active) throw new SignInRefused('inactive');
	const [[otherAdmin], [factor]] = await ctx.db.batch([
		ctx.db
			.select({ id: users.id })
			.from(users)
			.where(and(eq(users.role, 'admin'), eq(users.is_active, true), ne(users.id, before.id)))
			.limit(1),
		ctx.db
			.select({ id: second_factors.user_id })
			.from(second_factors)
			.where(and(eq(second_factors.user_id, before.id), confirmed)),
	]);
	const wanted = newRole(coming, before);
	const demotes = wanted !== null && before.role === 'admin';
	// A hub without an admin could never be mended: the last one stays, whatever the groups say.
	const keepsLast = demotes && !otherAdmin;
	const role = keepsLast ? null : wanted;
	const user: User = role === null ? before : { ...before, role, ...edited(ctx, before) };

	const about = (action: string, metadata: Record<string, unknown>): AuditEntry => ({
		action,
		object_type: 'User',
		object_id: before.id,
		project_id: null,
		metadata,
	});
	const expect: SQL[] = [unspent(state.id)];
	const statements: BatchItem<'sqlite'>[] = [spend(ctx, state)];
	const audit: AuditEntry[] = [];
	const now = new Date(ctx.now()).toISOString();
	if (!linked) {
		statements.push(ctx.db.insert(identities).values(link(ctx, before.id, person)));
		// The address must still be theirs.
		expect.push(unchanged(users, before), unlinked(person));
		audit.push(about('identity.link', { provider: person.provider, by: 'email' }));
	}
	if (role !== null) {
		statements.push(
			ctx.db
				.update(users)
				.set({ role, ...edited(ctx, before) })
				.where(eq(users.id, before.id)),
		);
		expect.push(unchanged(users, before));
		if (demotes)
			expect.push(sql`exists (select 1 from users where role = 'admin' and is_active = 1 and id <> ${before.id})`);
		audit.push(
			about('user.update', {
				version: before.version + 1,
				changes: { role: { from: before.role, to: role } },
				by: person.provider,
			}),
		);
	}
	const actor = { kind: 'user', id: before.id, username: before.username, role: before.role } as const;

	if (factor) {
		// The link and the role stand; the session waits for the code.
		expect.push(sql`exists (select 1 from users where id = ${before.id} and is_active = 1)`);
		await commit(ctx, actor, { expect, statements, audit });
		if (role !== null) tellRooms(ctx, await watchedBy(ctx, before.id));
		const [proof] = await ctx.db
			.select(identityProof)
			.from(identities)
			.where(and(eq(identities.provider, person.provider), eq(identities.subject, person.subject)));
		if (!proof) throw new SignInRefused('expired');
		throw new CodeIsNeeded(ctx, before.id, proof, 'oidc');
	}
	const open = await opening(ctx, user, user_agent);
	const left = await leaving(ctx);
	await commit(ctx, actor, {
		expect: [...expect, open.expect],
		statements: [...statements, ...open.statements],
		audit: [...audit, about('session.create', { via: 'oidc', ...(keepsLast && { kept_role: 'the last admin' }) })],
	});
	left();
	if (role !== null) tellRooms(ctx, await watchedBy(ctx, before.id));
	return { ...open.signedIn, user: { ...user, last_login_at: now } };
}

/** Of two first sign-ins at once, the second finds the link of the first. */
const unlinked = ({ provider, subject }: ProviderPerson) =>
	sql`not exists (select 1 from identities where provider = ${provider} and subject = ${subject})`;

const link = (ctx: Ctx, user_id: number | SQL<number>, { provider, subject }: ProviderPerson) => ({
	user_id,
	provider,
	subject,
	...created(ctx),
});

async function enterNew(ctx: Ctx, { person, state, user_agent }: Coming, username: string, role: Role) {
	const id = sql<number>`${lastInserted('users')}`;
	const { session, row } = await newSession(ctx, id, user_agent);
	const about = (action: string, metadata: Record<string, unknown>): AuditEntry => ({
		action,
		object_type: 'User',
		object_id: lastInserted('users'),
		project_id: null,
		metadata,
	});
	const [[user]] = await commit(
		ctx,
		{ kind: 'system' },
		{
			expect: [unspent(state.id), unlinked(person), sql`not exists (select 1 from users where username = ${username})`],
			statements: [
				ctx.db
					.insert(users)
					.values({
						username,
						role,
						display_name: person.display_name,
						locale: person.locale,
						email: person.email_verified ? person.email : null,
						last_login_at: new Date(ctx.now()).toISOString(),
						...created(ctx),
					})
					.returning(),
				ctx.db.insert(identities).values(link(ctx, id, person)),
				ctx.db.insert(sessions).values(row),
				spend(ctx, state),
			],
			audit: [
				about('user.create', { username, role, by: person.provider }),
				about('identity.link', { provider: person.provider, by: 'new' }),
				about('session.create', { via: 'oidc' }),
			],
		},
	);
	if (!user) throw new SignInRefused('fault', 'the new person was not written');
	return { user, session };
}
