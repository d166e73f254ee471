import type { Webhook } from '#domain/webhook.ts';
import type { Ctx } from '../context.ts';
import { enterWebhook } from './rows.ts';

export const readWebhook = async (ctx: Ctx, id: number): Promise<Webhook> =>
	(await enterWebhook(ctx, 'webhook.read', id, [])).webhook;
