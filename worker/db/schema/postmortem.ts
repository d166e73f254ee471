import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Priority } from '#domain/priority.ts';
import { ActionState, PostMortemStatus, VersionReason } from '#domain/postmortem.ts';
import { editable, id, time, oneOf } from '../columns.ts';
import { incidents } from './incident.ts';
import { users } from './user.ts';

const sections = () => ({
	summary: text().notNull(),
	impact: text().notNull(),
	root_cause: text(),
	timeline: text().notNull(),
	action_items: text().notNull(),
});

export const postmortems = sqliteTable(
	'postmortems',
	{
		id: id(),
		incident_id: integer()
			.notNull()
			.references(() => incidents.id),
		...sections(),
		status: oneOf(PostMortemStatus).notNull().default('draft'),
		published_at: time(),
		created_by_id: integer()
			.notNull()
			.references(() => users.id),
		...editable(),
	},
	(t) => [
		// An incident has one.
		uniqueIndex('postmortems_incident').on(t.incident_id),
	],
);

/** What the document was, at each change of its status and between the edits of one person and the next. */
export const postmortem_versions = sqliteTable(
	'postmortem_versions',
	{
		id: id(),
		postmortem_id: integer()
			.notNull()
			.references(() => postmortems.id),
		number: integer().notNull(),
		reason: oneOf(VersionReason).notNull(),
		status: oneOf(PostMortemStatus).notNull(),
		...sections(),
		created_by_id: integer()
			.notNull()
			.references(() => users.id),
		created_at: time().notNull(),
	},
	(t) => [
		// A version is one number; the list is in this order.
		uniqueIndex('postmortem_versions_number').on(t.postmortem_id, t.number),
	],
);

export const action_items = sqliteTable(
	'action_items',
	{
		id: id(),
		postmortem_id: integer()
			.notNull()
			.references(() => postmortems.id),
		title: text().notNull(),
		owner_id: integer().references(() => users.id),
		due: time(),
		priority: oneOf(Priority).notNull().default('normal'),
		state: oneOf(ActionState).notNull().default('open'),
		...editable(),
	},
	(t) => [
		// A post-mortem's actions, in the order they were made.
		index('action_items_postmortem').on(t.postmortem_id, t.id),
		// "What waits for me": a person's actions that are not over, by their date.
		index('action_items_owner').on(t.owner_id, t.state, t.due),
	],
);
