import { index, integer, primaryKey, sqliteTable } from 'drizzle-orm/sqlite-core';
import { time } from '../columns.ts';
import { projects } from './project.ts';
import { users } from './user.ts';

/**
 * In which projects somebody may have a socket open: written when one opens, so that the rooms to be told of lost rights are known
 * (docs/adr/0008-rights-behind-open-sockets.md). It may name too many, never too few.
 */
export const watches = sqliteTable(
	'watches',
	{
		user_id: integer()
			.notNull()
			.references(() => users.id, { onDelete: 'cascade' }),
		project_id: integer()
			.notNull()
			.references(() => projects.id, { onDelete: 'cascade' }),
		/** When a socket was opened last, to the day. */
		at: time().notNull(),
	},
	(t) => [
		primaryKey({ columns: [t.user_id, t.project_id] }),
		// What goes with a project that is deleted.
		index('watches_project').on(t.project_id),
		// Sockets that cannot be open any more are one range of this.
		index('watches_at').on(t.at),
	],
);
