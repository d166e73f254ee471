import { index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { type Abilities, type AgentRefusal, AgentStatus } from '#domain/agent.ts';
import { editable, id, stamps, time, oneOf } from '../columns.ts';
import { users } from './user.ts';

export const agents = sqliteTable(
	'agents',
	{
		id: id(),
		name: text().notNull(),
		public_key: text().notNull(),
		fingerprint: text().notNull(),
		labels: text({ mode: 'json' }).$type<Record<string, string>>().notNull().default({}),
		/** Null: every project. */
		project_ids: text({ mode: 'json' }).$type<number[]>(),
		capacity: integer().notNull().default(4),
		agent_version: text().notNull().default(''),
		abilities: text({ mode: 'json' }).$type<Abilities>(),
		last_seen_at: time(),
		status: oneOf(AgentStatus).notNull().default('pending'),
		draining: integer({ mode: 'boolean' }).notNull().default(false),
		/** Why it was last turned away, since it last came in. */
		refusal: text({ mode: 'json' }).$type<AgentRefusal>(),
		...editable(),
	},
	(t) => [
		// A name is one agent.
		uniqueIndex('agents_name').on(t.name),
		// An agent says who it is by its key; a key joins once.
		uniqueIndex('agents_key').on(t.public_key),
	],
);

/** One-time tokens to enrol an agent with. Only the hash is kept. */
export const enrolments = sqliteTable(
	'enrolments',
	{
		id: id(),
		token_hash: text().notNull(),
		created_by_id: integer().references(() => users.id),
		project_ids: text({ mode: 'json' }).$type<number[]>(),
		labels: text({ mode: 'json' }).$type<Record<string, string>>().notNull().default({}),
		/** The hub's own local agent needs nobody to compare fingerprints. */
		confirmed: integer({ mode: 'boolean' }).notNull().default(false),
		expires_at: time().notNull(),
		used_at: time(),
		agent_id: integer().references(() => agents.id),
		...stamps(),
	},
	(t) => [
		// An agent that joins is found by its token.
		uniqueIndex('enrolments_token').on(t.token_hash),
	],
);

/** An agent's host over time: a row a minute, and after a day one for each quarter of an hour. */
export const server_statuses = sqliteTable(
	'server_statuses',
	{
		id: id(),
		agent_id: integer()
			.notNull()
			.references(() => agents.id, { onDelete: 'cascade' }),
		snapshot_time: time().notNull(),
		cpu_cores: integer().notNull(),
		cpu_load_1m: real().notNull(),
		cpu_load_5m: real().notNull(),
		cpu_load_15m: real().notNull(),
		ram_total_gib: real().notNull(),
		ram_used_gib: real().notNull(),
		disk_path: text().notNull(),
		disk_total_gib: real().notNull(),
		disk_used_gib: real().notNull(),
		disk_free_gib: real().notNull(),
		/** How many minutes it stands for: 1, or 15 once it is the mean of several. */
		span_min: integer().notNull().default(1),
	},
	(t) => [
		// A host's newest report, and its history: one range of this.
		index('server_statuses_agent').on(t.agent_id, t.snapshot_time),
		// What is to be thinned, and what is to go, is one range of this each.
		index('server_statuses_span').on(t.span_min, t.snapshot_time),
	],
);
