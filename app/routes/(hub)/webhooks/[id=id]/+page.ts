import { pageOf } from '#domain/common.ts';
import { ProjectView } from '#domain/project.ts';
import { Webhook, WebhookDelivery } from '#domain/webhook.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params, url, depends }) => {
	depends(of('webhook'));
	const at = `/webhooks/${String(params.id)}` as const;
	const query = { limit: 50, ...pick(url.searchParams, ['status', 'event', 'cursor']) };
	const [webhook, deliveries] = await Promise.all([
		api.get(at, Webhook, { fetch }),
		api.get(`${at}/deliveries`, pageOf(WebhookDelivery), { fetch, query }),
	]);
	const project =
		webhook.project_id === null
			? null
			: await api.get(`/projects/${String(webhook.project_id)}`, ProjectView, { fetch });
	return { webhook, deliveries, project };
};
