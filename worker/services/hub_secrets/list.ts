import { asc, eq } from 'drizzle-orm';
import { HUB_SECRETS_MAX, type HubSecret } from '#domain/hub-secret.ts';
import { hub_secrets } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { enter, inProject } from '../gate.ts';
import { hubSecretColumns } from './rows.ts';

/** The names of a project's keys. There are so few that they are one page. */
export async function listHubSecrets(ctx: Ctx, project_id: number): Promise<{ items: HubSecret[]; next_cursor: null }> {
	const { rows } = await enter(ctx, 'hub_secret.list', inProject(project_id), [
		ctx.db
			.select(hubSecretColumns)
			.from(hub_secrets)
			.where(eq(hub_secrets.project_id, project_id))
			.orderBy(asc(hub_secrets.name))
			.limit(HUB_SECRETS_MAX),
	]);
	return { items: rows[0], next_cursor: null };
}
