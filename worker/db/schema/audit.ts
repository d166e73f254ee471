import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { ActorKind } from '#domain/audit.ts';
import { id, time, oneOf } from '../columns.ts';

/** Append-only: triggers refuse any update or delete. It refers to rows by number only, for it outlives them. */
export const audit_logs = sqliteTable(
	'audit_logs',
	{
		id: id(),
		timestamp: time().notNull(),
		user_id: integer(),
		action: text().notNull(),
		object_type: text().notNull(),
		object_id: integer(),
		metadata: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
		project_id: integer(),
		actor_kind: oneOf(ActorKind).notNull(),
		actor_id: integer(),
		ip: text(),
		request_id: text().notNull(),
	},
	(t) => [
		// A project's audit, the latest first.
		index('audit_logs_project').on(t.project_id, t.id),
		// What changed in a project in the hours before something broke.
		index('audit_logs_project_time').on(t.project_id, t.timestamp),
		// The history of one thing, and who changed which fields since a version.
		index('audit_logs_object').on(t.object_type, t.object_id, t.id),
		// What one person did, the latest first.
		index('audit_logs_user').on(t.user_id, t.id),
		// A rare act, kind of thing or kind of actor among a million rows: without these all are read to find it.
		index('audit_logs_action').on(t.action, t.id),
		index('audit_logs_type').on(t.object_type, t.id),
		index('audit_logs_actor').on(t.actor_kind, t.id),
	],
);

/**
 * The chain over the audit rows, in their order, one link each. A table of its own, so that two writers never
 * wait for each other's hash, and no audit row is ever touched again.
 */
export const audit_seals = sqliteTable(
	'audit_seals',
	{ audit_id: integer().primaryKey(), prev_hash: text().notNull(), hash: text().notNull() },
	// Two sealers at once cannot fork the chain.
	(t) => [uniqueIndex('audit_seals_prev').on(t.prev_hash)],
);
