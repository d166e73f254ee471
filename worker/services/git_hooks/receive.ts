import { and, eq, inArray, sql } from 'drizzle-orm';
import { DomainError, invalid } from '#domain/errors.ts';
import { type HookEvent, type HookProvider, type HookTaken, readHook } from '#domain/git-hook.ts';
import type { GitChange } from '#domain/repo.ts';
import { git_changes, git_repos, hook_deliveries, projects } from '../../db/client.ts';
import { assertWithin, countAttempt, type Limit, uncount } from '../attempts.ts';
import { concat, jsonOf, sha256 } from '../bytes.ts';
import { type AuditEntry, commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, changesOf, edited, editEntry, isEmpty, unchanged, writable } from '../edit.ts';
import { openHubSecret } from '../hub_secrets/rows.ts';
import { rowsOf } from '../rows-of.ts';
import type { Sealer } from '../sealed.ts';
import { isProved } from './proof.ts';

const DAY_MS = 86_400_000;
/** A provider sends a delivery again for three days. What says that it happened longer ago is an old one, kept by somebody. */
const AGE_MAX_MS = 3 * DAY_MS;
/** So long it is remembered what was told: longer than anything old is taken. */
export const REMEMBERED_MS = 4 * DAY_MS;

export interface Delivery {
	provider: HookProvider;
	repo_id: number;
	event: string;
	proof: string;
	body: Uint8Array;
}

/** Takes what a provider says happened in a repository. Nobody is signed in: it proves itself by the repository's key. */
export async function receiveHook(ctx: Ctx, sealer: Sealer, delivery: Delivery): Promise<HookTaken> {
	const { provider, repo_id, event, body } = delivery;
	const repo = await proved(ctx, sealer, delivery);
	assertWritable({ status: repo.project_status });
	const read = readHook(provider, event, jsonOf(body));
	if (read === null) return { taken: 0, ignored: true };
	if (read.at !== null && Date.parse(read.at) < ctx.now() - AGE_MAX_MS)
		throw invalid('', 'tells of what happened more than three days ago');

	const hash = await sha256(concat(new TextEncoder().encode(`${event}\n`), body));
	const [known, [told]] = await ctx.db.batch([
		ctx.db
			.select()
			.from(git_changes)
			.where(
				and(
					eq(git_changes.repo_id, repo_id),
					inArray(
						git_changes.external_id,
						sql`(select value from json_each(${JSON.stringify(read.changes.map((one) => one.external_id))}))`,
					),
				),
			),
		ctx.db
			.select({ hash: hook_deliveries.hash })
			.from(hook_deliveries)
			.where(and(eq(hook_deliveries.repo_id, repo_id), eq(hook_deliveries.hash, hash))),
	]);
	if (told) return { taken: 0, ignored: true };
	return take(ctx, repo, { event, hash }, read, known);
}

type Repo = { id: number; project_id: number; project_status: string };

/** The repository, where the delivery is its provider's. One answer for all that is wrong, after the same work. */
async function proved(ctx: Ctx, sealer: Sealer, { provider, repo_id, proof, body }: Delivery): Promise<Repo> {
	const limit: Limit = { subject: `hook:${ctx.ip ?? ''}`, max: 60 };
	const [[counted], [repo]] = await ctx.db.batch([
		countAttempt(ctx, limit),
		ctx.db
			.select({
				id: git_repos.id,
				project_id: git_repos.project_id,
				provider: git_repos.provider,
				ref: git_repos.webhook_secret_ref,
				project_status: sql<string>`${projects.status}`.as('project_status'),
			})
			.from(git_repos)
			.innerJoin(projects, eq(projects.id, git_repos.project_id))
			.where(eq(git_repos.id, repo_id)),
	]);
	assertWithin(ctx, limit, counted);
	const ref = repo?.ref?.startsWith('hub:') ? repo.ref : null;
	// Looked for even where there can be none: how long an answer takes says nothing of which repositories there are.
	const secret = await openHubSecret(ctx, sealer, repo?.project_id ?? 0, ref ?? 'hub:');
	const good = await isProved(provider, secret ?? crypto.randomUUID(), proof, body);
	if (!repo || secret === null || !good || ![provider, 'other'].includes(repo.provider))
		throw new DomainError(
			'not_signed_in',
			'This is not signed with the key of a repository that is told of changes here.',
		);
	await uncount(ctx, limit);
	return repo;
}

async function take(
	ctx: Ctx,
	{ id: repo_id, project_id }: Repo,
	{ event, hash }: { event: string; hash: string },
	read: HookEvent,
	known: readonly GitChange[],
): Promise<HookTaken> {
	const now = new Date(ctx.now()).toISOString();
	const same = (one: HookEvent['changes'][number]) =>
		known.find((row) => row.external_id === one.external_id && row.change_type === one.change_type);
	const fresh = read.changes.filter((one) => !same(one));
	/** A commit stays what it is; of a request the newer word counts, whatever order they come in. */
	const told = read.changes.flatMap((one) => {
		const row = same(one);
		if (!row || one.change_type === 'commit') return [];
		if (row.committed_at !== null && one.committed_at !== null && row.committed_at >= one.committed_at) return [];
		const changes = changesOf<GitChange>(row, one);
		return isEmpty(changes) ? [] : [{ row, patch: one, changes }];
	});
	const updates = told.map(({ row, patch }) =>
		ctx.db
			.update(git_changes)
			.set({ ...patch, ...edited(ctx, row) })
			.where(and(eq(git_changes.id, row.id), eq(git_changes.version, row.version)))
			.returning(),
	);
	const audit: AuditEntry[] = [
		{
			action: 'change.receive',
			object_type: 'GitRepo',
			object_id: repo_id,
			project_id,
			metadata: { event, new: fresh.length, told_anew: told.length },
		},
		...told.map(({ row, changes }) => editEntry('change.update', 'GitChange', row, project_id, changes)),
	];
	const results = await commit(
		ctx,
		{ kind: 'system' },
		{
			expect: [
				writable(project_id),
				...told.map(({ row }) => unchanged(git_changes, row)),
				sql`not exists (select 1 from hook_deliveries where repo_id = ${repo_id} and hash = ${hash})`,
			],
			statements: [
				ctx.db.insert(hook_deliveries).values({ repo_id, hash, received_at: now }),
				ctx.db.update(git_repos).set({ last_synced_at: now }).where(eq(git_repos.id, repo_id)).returning(),
				inserted(ctx, repo_id, project_id, fresh),
				...updates,
			],
			audit,
		},
	);
	const [, repos, made, ...changed] = results;
	const rows = [...made, ...(changed as GitChange[][]).flat()];
	ctx.after(
		ctx.live.changed([
			...repos.map((row) => ({ project_id, entity: 'repo' as const, id: row.id, row })),
			...rows.map((row) => ({ project_id, entity: 'change' as const, id: row.id, row })),
		]),
	);
	return { taken: rows.length, ignored: false };
}

/** All of them in one statement; the same commit may come in two pushes at once. */
function inserted(ctx: Ctx, repo_id: number, project_id: number, fresh: HookEvent['changes']) {
	const now = ctx.now();
	const rows = fresh.map((one) => ({
		...one,
		committed_at: one.committed_at === null ? null : Date.parse(one.committed_at),
		repo_id,
		project_id,
		version: 1,
		created_at: now,
		updated_at: now,
	}));
	return ctx.db.insert(git_changes).select(rowsOf(git_changes, rows)).onConflictDoNothing().returning();
}
