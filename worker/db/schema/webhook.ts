import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { type DeliveryAttempt, DeliveryStatus, type Webhook, WebhookEvent, WebhookStatus } from '#domain/webhook.ts';
import { editable, id, oneOf, time } from '../columns.ts';
import { projects } from './project.ts';
import { users } from './user.ts';

export const webhooks = sqliteTable(
	'webhooks',
	{
		id: id(),
		/** Null: of the whole hub, or of a person. */
		project_id: integer().references(() => projects.id),
		/** Whose own it is: it is told what that person is. */
		user_id: integer().references(() => users.id, { onDelete: 'cascade' }),
		name: text().notNull(),
		url: text().notNull(),
		events: text({ mode: 'json' }).$type<Webhook['events']>().notNull(),
		status: oneOf(WebhookStatus).notNull().default('active'),
		disabled_reason: text().$type<Webhook['disabled_reason']>(),
		failing_since: time(),
		last_success_at: time(),
		/** Sealed for `secret_for`, a name of this row that is known before its number is. Null: lost, one has to be made. */
		secret: text(),
		secret_for: text().notNull(),
		...editable(),
	},
	(t) => [
		// A project's webhooks, by name; and those to be told of what happened in it.
		index('webhooks_project').on(t.project_id, t.name),
		// A person has one.
		uniqueIndex('webhooks_user')
			.on(t.user_id)
			.where(sql`user_id is not null`),
	],
);

/** What webhooks are to be told, written in the batch of what happened, and what became of it. */
export const webhook_deliveries = sqliteTable(
	'webhook_deliveries',
	{
		id: id(),
		webhook_id: integer()
			.notNull()
			.references(() => webhooks.id, { onDelete: 'cascade' }),
		key: text().notNull(),
		event: oneOf(WebhookEvent).notNull(),
		payload: text({ mode: 'json' }).$type<Record<string, unknown>>().notNull(),
		status: oneOf(DeliveryStatus).notNull().default('pending'),
		tries: integer().notNull().default(0),
		attempts: text({ mode: 'json' }).$type<DeliveryAttempt[]>().notNull().default([]),
		next_at: time(),
		/** Somebody is sending it until then; one that died leaves it to the next. */
		claimed_until: time(),
		created_at: time().notNull(),
	},
	(t) => [
		// A webhook's log, the latest first; beyond what is kept, the oldest go.
		index('webhook_deliveries_webhook').on(t.webhook_id, t.id),
		// What is told is told once.
		uniqueIndex('webhook_deliveries_key').on(t.key),
		// What is due is one range of this.
		index('webhook_deliveries_due')
			.on(t.next_at)
			.where(sql`status = 'pending'`),
	],
);
