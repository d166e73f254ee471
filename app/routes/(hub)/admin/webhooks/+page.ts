import { pageOf } from '#domain/common.ts';
import { Webhook } from '#domain/webhook.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import { mayGovern } from '#lib/people/may-govern.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, parent, depends }) => {
	depends(of('webhook'));
	mayGovern((await parent()).me);
	const query = pick(url.searchParams, ['q', 'status', 'project_id', 'cursor']);
	return { webhooks: await api.get('/webhooks', pageOf(Webhook), { fetch, query }) };
};
