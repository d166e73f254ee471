import { pageOf } from '#domain/common.ts';
import { ApiToken } from '#domain/token.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import { mayGovern } from '#lib/people/may-govern.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, parent, depends }) => {
	depends(of('token'), of('user'));
	mayGovern((await parent()).me);
	const query = { user_id: 'all', ...pick(url.searchParams, ['q', 'user_id', 'sort', 'cursor']) };
	return { tokens: await api.get('/tokens', pageOf(ApiToken), { fetch, query }) };
};
