import { and, eq, sql } from 'drizzle-orm';
import { conflict } from '#domain/errors.ts';
import { HUB_SECRETS_MAX, type HubSecret, type HubSecretPut } from '#domain/hub-secret.ts';
import { hub_secrets } from '../../db/client.ts';
import { toBase64url } from '../bytes.ts';
import { commit } from '../commit.ts';
import type { Ctx } from '../context.ts';
import { assertWritable, created, one, writable } from '../edit.ts';
import { enter, inProject } from '../gate.ts';
import type { Sealer } from '../sealed.ts';
import { hubSecretColumns, SECRET_PURPOSE, told } from './rows.ts';

/** Sets a key, or sets it anew. It is sealed with what only the hub knows, and never shown again. */
export async function putHubSecret(
	ctx: Ctx,
	sealer: Sealer,
	project_id: number,
	name: string,
	{ value }: HubSecretPut,
): Promise<HubSecret> {
	const mine = and(eq(hub_secrets.project_id, project_id), eq(hub_secrets.name, name));
	const { actor, project, rows } = await enter(ctx, 'hub_secret.put', inProject(project_id), [
		ctx.db.select({ id: hub_secrets.id }).from(hub_secrets).where(mine),
		ctx.db
			.select({ count: sql<number>`count(*)` })
			.from(hub_secrets)
			.where(eq(hub_secrets.project_id, project_id)),
	]);
	assertWritable(project);
	const [[before], [all]] = rows;
	if (!before && (all?.count ?? 0) >= HUB_SECRETS_MAX)
		throw conflict(`A project has at most ${String(HUB_SECRETS_MAX)} keys.`);
	const secret_for = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
	const secret = await sealer.seal(SECRET_PURPOSE, secret_for, value);
	const { created_at, updated_at } = created(ctx);
	const [, after] = await commit(ctx, actor, {
		expect: [writable(project_id)],
		statements: [
			ctx.db
				.insert(hub_secrets)
				.values({ project_id, name, secret, secret_for, created_at, updated_at })
				.onConflictDoUpdate({
					target: [hub_secrets.project_id, hub_secrets.name],
					set: { secret, secret_for, updated_at, version: sql`version + 1` },
				}),
			ctx.db.select(hubSecretColumns).from(hub_secrets).where(mine),
		],
		audit: [
			{
				action: 'hub_secret.put',
				object_type: 'HubSecret',
				object_id: sql`(select id from hub_secrets where project_id = ${project_id} and name = ${name})`,
				project_id,
				metadata: { name },
			},
		],
	});
	const row = one(after, 'key');
	ctx.after(ctx.live.changed([{ project_id, entity: 'hub_secret', id: row.id, row: told(row) }]));
	return row;
}
