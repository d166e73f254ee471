import { pageOf } from '#domain/common.ts';
import { ApiToken } from '#domain/token.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, parent, depends }) => {
	depends(of('token'));
	await parent();
	// All of one's own: a person has fewer than a page.
	const { items } = await api.get('/tokens', pageOf(ApiToken), { fetch, query: { limit: 200 } });
	return { tokens: items };
};
