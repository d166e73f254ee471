import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { Access } from '#domain/access.ts';
import { editable, id, stamps, oneOf } from '../columns.ts';
import { projects } from './project.ts';
import { users } from './user.ts';

export const groups = sqliteTable(
	'groups',
	{ id: id(), name: text().notNull(), description: text(), ...editable() },
	(t) => [
		// A name is one group.
		uniqueIndex('groups_name').on(t.name),
	],
);

export const group_users = sqliteTable(
	'group_users',
	{
		group_id: integer()
			.notNull()
			.references(() => groups.id, { onDelete: 'cascade' }),
		user_id: integer()
			.notNull()
			.references(() => users.id, { onDelete: 'cascade' }),
		role_in_group: text(),
		...stamps(),
	},
	// The permission check goes from the person to the groups.
	(t) => [primaryKey({ columns: [t.group_id, t.user_id] }), index('group_users_user').on(t.user_id, t.group_id)],
);

/** How a group reaches a project. */
export const project_groups = sqliteTable(
	'project_groups',
	{
		project_id: integer()
			.notNull()
			.references(() => projects.id, { onDelete: 'cascade' }),
		group_id: integer()
			.notNull()
			.references(() => groups.id, { onDelete: 'cascade' }),
		access: oneOf(Access).notNull(),
		...stamps(),
	},
	(t) => [
		primaryKey({ columns: [t.project_id, t.group_id] }),
		// A group that goes, or whose members change, is looked up from its side.
		index('project_groups_group').on(t.group_id, t.project_id),
	],
);
