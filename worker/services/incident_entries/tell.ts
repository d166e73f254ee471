import type { SQL } from 'drizzle-orm';
import type { EntryKind, EntryRef } from '#domain/incident-entry.ts';
import { incident_entries } from '../../db/client.ts';
import type { Ctx } from '../context.ts';
import { created } from '../edit.ts';
import type { UserActor } from '../gate.ts';

/** The statement that writes into an incident's timeline what happens in the same commit. */
export const tell = (
	ctx: Ctx,
	actor: UserActor,
	incident_id: number | SQL<number>,
	entry: { kind: EntryKind; ref: EntryRef; body?: string | undefined },
) =>
	ctx.db
		.insert(incident_entries)
		.values({
			incident_id,
			at: new Date(ctx.now()).toISOString(),
			kind: entry.kind,
			author_id: actor.id,
			body: entry.body?.trim() ?? '',
			ref: entry.ref,
			...created(ctx),
		})
		.returning();
