import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import { hub_secrets } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { omit } from '../omit.ts';
import type { Sealer } from '../sealed.ts';

export const SECRET_PURPOSE = 'hub_secret';

/** What people see of one: never what it is. */
export const hubSecretColumns = {
	...omit(getTableColumns(hub_secrets), 'secret', 'secret_for'),
	usable: sql<boolean>`${hub_secrets.secret} is not null`.mapWith(Boolean).as('usable'),
};

/** What every open page of the project may know: that something changed. Names are for keepers, who ask for them. */
export const told = ({ id, version }: { id: number; version: number }) => ({ id, version });

/** The key behind `hub:NAME` in a project; null where there is none, or it was lost. Nobody's permission is asked. */
export async function openHubSecret(ctx: Ctx, sealer: Sealer, project_id: number, ref: string): Promise<string | null> {
	const [row] = await ctx.db
		.select({ secret: hub_secrets.secret, secret_for: hub_secrets.secret_for })
		.from(hub_secrets)
		.where(and(eq(hub_secrets.project_id, project_id), eq(hub_secrets.name, ref.slice('hub:'.length))));
	return row?.secret ? sealer.open(SECRET_PURPOSE, row.secret_for, row.secret) : null;
}
