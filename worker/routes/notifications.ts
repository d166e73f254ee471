import { Hono } from 'hono';
import { z } from 'zod';
import { MailConfirm } from '#domain/mail.ts';
import {
	NotificationChoice,
	NotificationPage,
	NotificationPreferences,
	NotificationsRead,
} from '#domain/notification.ts';
import { Unread } from '#domain/unread.ts';
import { OwnWebhookCreate, WebhookWithSecret } from '#domain/webhook.ts';
import { posted, row, settled } from '#worker/http/answer.ts';
import type { AppEnv } from '#worker/http/context.ts';
import { describe } from '#worker/http/describe.ts';
import { json, query } from '#worker/http/input.ts';
import { sealer } from '#worker/http/sealed-cookie.ts';
import { checkEmail } from '#worker/services/me/email-check.ts';
import { confirmEmail } from '#worker/services/me/email-confirm.ts';
import { testNotification } from '#worker/services/me/notification-test.ts';
import { choosePreferences, readPreferences } from '#worker/services/me/notifications.ts';
import { createOwnWebhook } from '#worker/services/me/webhook.ts';
import { listNotifications, NotificationList } from '#worker/services/notifications/list.ts';
import { markRead } from '#worker/services/notifications/mark.ts';

/** What people are told, and how they choose to be. */
export const notifications = new Hono<AppEnv>()
	.get(
		'/me/notifications',
		describe('notification.list', 'What you were told, the latest 500, and how much of it is unread', {
			schema: NotificationPage,
		}),
		query(NotificationList),
		async (c) => c.json(await listNotifications(c.var.ctx, c.req.valid('query'))),
	)
	.post(
		'/me/notifications/read',
		describe('notification.mark', 'Mark these, or all up to one, as read', { schema: Unread }),
		json(NotificationsRead),
		(c) => posted(c, 200, (ctx) => markRead(ctx, c.req.valid('json'))),
	)
	.post(
		'/me/notifications/test',
		describe('me.notification_test', 'Tell yourself something, by every channel there is', { status: 204 }),
		json(z.strictObject({})),
		async (c) => {
			await settled(() => testNotification(c.var.ctx));
			return c.body(null, 204);
		},
	)
	.get(
		'/me/notification-preferences',
		describe('me.notifications', 'What you are told of, and how', { schema: NotificationPreferences }),
		async (c) => c.json(await readPreferences(c.var.ctx)),
	)
	.put(
		'/me/notification-preferences',
		describe('me.notifications_put', 'Choose what you are told of, and how', { schema: NotificationPreferences }),
		json(NotificationChoice),
		async (c) => {
			await settled(() => choosePreferences(c.var.ctx, c.req.valid('json')));
			return c.json(await readPreferences(c.var.ctx));
		},
	)
	.post(
		'/me/webhook',
		describe('me.webhook', 'Have a program of yours told what you are told; what signs it is shown this once', {
			status: 201,
			schema: WebhookWithSecret,
		}),
		json(OwnWebhookCreate),
		// Without an Idempotency-Key's replay: keeping the answer would keep the secret.
		async (c) => row(c, await settled(() => createOwnWebhook(c.var.ctx, sealer(c), c.req.valid('json'))), 201),
	)
	.post(
		'/me/email/check',
		describe('me.email_check', 'Have a link sent to your address, which proves that it is yours', { status: 204 }),
		json(z.strictObject({})),
		async (c) => {
			await settled(() => checkEmail(c.var.ctx));
			return c.body(null, 204);
		},
	)
	.post(
		'/me/email/confirm',
		describe('me.email_confirm', 'Prove your address with what the link in the mail carries', { status: 204 }),
		json(MailConfirm),
		async (c) => {
			await settled(() => confirmEmail(c.var.ctx, sealer(c), c.req.valid('json').token));
			return c.body(null, 204);
		},
	);
