import { pageOf } from '#domain/common.ts';
import { Group } from '#domain/group.ts';
import { api } from '#lib/api/client.ts';
import { of } from '#lib/live/hub-line.ts';
import { mayGovern } from '#lib/people/may-govern.ts';
import { pick } from '#lib/ui/params.ts';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, url, parent, depends }) => {
	depends(of('group'));
	mayGovern((await parent()).me);
	const query = { limit: 50, ...pick(url.searchParams, ['q', 'cursor']) };
	return { groups: await api.get('/groups', pageOf(Group), { fetch, query }) };
};
