import { eq, getTableColumns, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { accessOfRank } from '#domain/access.ts';
import { conflict, invalid, notFound } from '#domain/errors.ts';
import { type Action, can } from '#domain/permissions.ts';
import { isAllowedAddress } from '#domain/webhook-address.ts';
import type { Webhook } from '#domain/webhook.ts';
import { projects, webhook_deliveries, webhooks } from '../../db/client.ts';
import { toBase64url } from '../bytes.ts';
import type { Ctx } from '../context.ts';
import { accessRankOf, enter, type UserActor, userId } from '../gate.ts';
import { omit } from '../omit.ts';

/** What a webhook's own people see of it: never what it signs with. */
export const webhookColumns = omit(getTableColumns(webhooks), 'secret', 'secret_for');
export const deliveryColumns = omit(getTableColumns(webhook_deliveries), 'claimed_until');

export const HUB_ACTION = 'webhook.everywhere' satisfies Action;

type WebhookAction = Extract<Action, `webhook.${string}`>;
type Rows<Q extends readonly BatchItem<'sqlite'>[]> = { [K in keyof Q]: Q[K]['_']['result'] };

/** Enters for a webhook that exists: a project's as its owner, one of the whole hub as an admin, a person's as that person. */
export async function enterWebhook<const Q extends readonly BatchItem<'sqlite'>[]>(
	ctx: Ctx,
	action: Exclude<WebhookAction, typeof HUB_ACTION>,
	id: number,
	queries: Q,
): Promise<{ actor: UserActor; webhook: Webhook; project_status: string | null; rows: Rows<Q> }> {
	const found = ctx.db
		.select({
			...webhookColumns,
			// Under a name of its own: of two columns named alike, D1 gives one.
			project_status: sql<string | null>`${projects.status}`.as('project_status'),
			rank: accessRankOf(userId(ctx), webhooks.project_id.getSQL()),
		})
		.from(webhooks)
		.leftJoin(projects, eq(projects.id, webhooks.project_id))
		.where(eq(webhooks.id, id));
	const { actor, rows } = await enter(ctx, action, null, [found, ...queries], ([[row]], actor) => {
		if (!row || (row.rank === 0 && row.project_id !== null)) throw notFound('webhook');
		if (row.user_id !== null) {
			if (row.user_id !== actor.id) throw notFound('webhook');
			return { own_webhook: true };
		}
		if (row.project_id !== null) return { access: accessOfRank(row.rank) };
		// What all projects tell is nobody else's to know of.
		if (!can(actor, HUB_ACTION).allowed) throw notFound('webhook');
		return { access: 'manage' };
	});
	const [[row], ...rest] = rows;
	if (!row) throw notFound('webhook');
	return {
		actor,
		webhook: omit(row, 'project_status', 'rank'),
		project_status: row.project_status,
		rows: rest as Rows<Q>,
	};
}

export function assertOpen(project_status: string | null): void {
	if (project_status === 'archived') throw conflict('The project is archived: it is read-only.');
}

export function assertAddress(url: string | undefined, networks: readonly string[]): void {
	if (url !== undefined && !isAllowedAddress(url, networks))
		throw invalid('url', 'must lead to the open internet by https, or into a network that an admin allows');
}

/** An address may be a secret as a whole: what is written down of it elsewhere is its host. */
export const hostOf = (url: string): string => new URL(url).host;

/** What a webhook signs with: made here, shown once, kept sealed. */
export const newSecret = (): string =>
	`whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
export const newSecretName = (): string => toBase64url(crypto.getRandomValues(new Uint8Array(16)));
export const SECRET_PURPOSE = 'webhook';

/**
 * Open pages of the project, of the hub's admins or of its person learn that something changed and ask for it: who may not manage the project is told no address.
 */
export function tellWebhook(
	ctx: Ctx,
	{ id, project_id, user_id }: Pick<Webhook, 'id' | 'project_id' | 'user_id'>,
): void {
	ctx.after(
		project_id === null
			? ctx.live.touched([{ kind: 'webhook', user_id }])
			: ctx.live.changed([{ project_id, entity: 'webhook', id, row: { id } }]),
	);
}
